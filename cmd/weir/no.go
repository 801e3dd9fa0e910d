package main

import "fmt"

// noError is an answer of no in words of its own.
type noError struct{ error }

// sayNo makes an error that ends the program with exitNo.
func sayNo(format string, args ...any) error { return noError{fmt.Errorf(format, args...)} }

// Is makes it an errNo.
func (e noError) Is(target error) bool { return target == errNo }

// Unwrap gives the sentence's own chain.
func (e noError) Unwrap() error { return e.error }
