"""The lesson losses: the four losses, and where their gradients go."""
