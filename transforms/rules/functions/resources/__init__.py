"""Resources: parameters, files, databases, Logstores."""
