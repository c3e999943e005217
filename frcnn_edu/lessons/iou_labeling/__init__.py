"""The lesson iou_labeling: foreground, background, ignored."""
