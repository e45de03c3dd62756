"""A bill computed a second time, slowly and from raw documents: a judge that shares no code with what it judges."""
