"""Tests of the ways out for text messages."""
