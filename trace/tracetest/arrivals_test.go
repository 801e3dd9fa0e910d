package tracetest

import "testing"

func TestArriving(t *testing.T) { TestArrivals(t, &Arriving{Memory: Memory{Preview: Preview}}) }
