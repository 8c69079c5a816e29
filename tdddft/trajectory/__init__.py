"""The trajectory file: contract, reader, writer, validation."""
