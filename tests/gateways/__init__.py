"""Tests of the outside systems that we call."""
