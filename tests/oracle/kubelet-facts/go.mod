module nodebake.dev/kubelet-facts

go 1.21
