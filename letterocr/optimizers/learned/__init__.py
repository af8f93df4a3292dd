"""Learned optimizers: recurrent networks that compute the step, and the files of their trained parameters."""
