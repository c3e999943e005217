"""What all explorers share: state → compute → draw, and the board that shows it."""
