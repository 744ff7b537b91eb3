module nodebake.dev/requests

go 1.19
