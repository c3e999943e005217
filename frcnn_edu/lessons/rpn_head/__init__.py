"""The lesson rpn_head: one head for five levels."""
