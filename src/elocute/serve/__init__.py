"""The HTTP service (extra ``serve``): recordings in, assessments out, bounded and forgetful.

    app.py         what belongs together, and its beginning and end
    api.py         the routes; openapi.py describes them
    streaming.py   the same over a WebSocket while the learner reads
    connections.py how long a connection may be held, and how many
    guard.py       what every request passes first: size, origin, key, rate; what every answer gets: headers
    lanes.py       as many requests at work as there are cores, a bounded queue, honest refusals
    child.py       a process with a pipe; decoding.py and inference.py run in such processes
    problems.py    every error: status, stable code, RFC 9457 body

Nothing is written to disk and no log line holds audio or text.
"""
