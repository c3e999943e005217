"""The lesson backbone: ResNet stage by stage."""
