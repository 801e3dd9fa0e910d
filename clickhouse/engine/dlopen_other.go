//go:build !unix

package engine

func dlopen(string) (uintptr, error) { return 0, ErrUnsupported }

func dlsym(uintptr, string) (uintptr, error) { return 0, ErrUnsupported }

func bind(any, uintptr) {}
