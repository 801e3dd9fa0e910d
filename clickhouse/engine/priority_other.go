//go:build !linux

package engine

func giveWay(int) error { return nil }
