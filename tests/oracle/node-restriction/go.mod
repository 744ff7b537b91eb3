module node-restriction

go 1.21
