"""Features beyond the textbook that code written for torchvision's Faster R-CNN expects, or errors that say what to do."""
