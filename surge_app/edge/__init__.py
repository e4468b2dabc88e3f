"""The edge: the ASGI layers around the application, from the outside in.

    Draining        closes connections one by one while the node stops
    PollFastPath    answers polls from the snapshot in memory       ─▶ response
    RequestLog      classifies the path, names and counts the request
    PageScheduler   starts one public page in each round of the event loop
    EdgeMiddleware  checks host, address and access
      ├─ queue/                          polls and joins            ─▶ response
      ├─ pages/                          pages, and access to them  ─▶ response
      ├─ body_reader                     small, whole and in time
      └─ websockets/                          rights, frames and owners of pages
    FastAPI (`/api`, `/sandbox`) or Reflex (everything else)        ─▶ response

Beside them, `connection_watch` ends connections that occupy a worker without using it.

A request is classified once, by the table in `routes`. The edge, the States and the services each
check an admission pass: three fences, one rule.
"""
