module nodebake.dev/certificates

go 1.19
