"""Lines of files and pipes into Logstores, exactly once."""
