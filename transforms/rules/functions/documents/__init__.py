"""JSON, XML and protobuf documents."""
