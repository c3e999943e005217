"""What code written for torchvision's Faster R-CNN expects beside the textbook: it is there, or an error says what to do."""
