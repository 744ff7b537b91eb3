package main

import (
	"net"
	"strings"

	"google.golang.org/grpc"
)

// bytesCodec hands messages on as they are, so that no definitions of CRI are needed.
type bytesCodec struct{}

func (bytesCodec) Marshal(v any) ([]byte, error) { return *v.(*[]byte), nil }
func (bytesCodec) Unmarshal(data []byte, v any) error {
	*v.(*[]byte) = append([]byte(nil), data...)
	return nil
}
func (bytesCodec) Name() string { return "proto" }

// text and message are a field of a protocol buffer; no message here is longer than 127 bytes.
func text(field byte, value string) string {
	return string([]byte{field<<3 | 2, byte(len(value))}) + value
}

func condition(name string) string { return text(1, text(1, name)+string([]byte{2 << 3, 1})) }

// answers of runtime.v1 and runtime.v1alpha2, which have the same fields here; every other call gets an empty message.
var replies = map[string]string{
	"Version":       text(1, "0.1.0") + text(2, "stub") + text(3, "1.0.0") + text(4, "v1"),
	"Status":        text(1, condition("RuntimeReady")+condition("NetworkReady")),
	"RuntimeConfig": "\x0a\x02\x08\x01", // cgroupfs
}

// serve answers CRI at a socket until stop is called.
func serve(socket string) (stop func(), err error) {
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return nil, err
	}
	handle := func(_ any, stream grpc.ServerStream) error {
		method, _ := grpc.MethodFromServerStream(stream)
		name := method[strings.LastIndex(method, "/")+1:]
		if name == "GetContainerEvents" {
			<-stream.Context().Done()
			return nil
		}
		var request []byte
		if err := stream.RecvMsg(&request); err != nil {
			return err
		}
		reply := []byte(replies[name])
		return stream.SendMsg(&reply)
	}
	server := grpc.NewServer(grpc.ForceServerCodec(bytesCodec{}), grpc.UnknownServiceHandler(handle))
	go server.Serve(listener)
	return server.Stop, nil
}
