//go:build !unix

package engine

import "os"

func tryLock(*os.File) (ok bool, err error) { return false, ErrUnsupported }
