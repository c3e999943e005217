"""What is asked before, and where it pays after, anything is computed: are arguments legal, do parts fit, are numbers finite?"""
