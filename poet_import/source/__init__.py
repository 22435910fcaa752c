"""From a user's source to woven source: discovery, static hints, the weaver and its line map."""
