"""Caffe's prototxt: a network in protobuf's text format."""
