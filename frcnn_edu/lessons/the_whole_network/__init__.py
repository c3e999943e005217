"""The lesson the_whole_network: one image through every stage."""
