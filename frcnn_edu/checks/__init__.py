"""Checks before and after computing: are arguments legal, do parts fit together, are numbers finite?"""
