"""The lesson train_the_complete_model: a step by hand, the loop, the result."""
