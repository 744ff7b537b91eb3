module nodebake.dev/kubernetes-rules

go 1.19

require k8s.io/apimachinery v0.26.15

require (
	github.com/gogo/protobuf v1.3.2 // indirect
	gopkg.in/inf.v0 v0.9.1 // indirect
	k8s.io/utils v0.0.0-20221107191617-1a15be271d1d // indirect
)
