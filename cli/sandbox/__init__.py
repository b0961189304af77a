"""The demonstration: two stations and a pretended SMS provider on one machine."""
