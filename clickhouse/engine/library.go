package engine

import (
	"errors"
	"fmt"
	"runtime"
	"unsafe"
)

// library is the set of functions of libchdb that the child process calls. It is loaded once and never unloaded:
// the engine keeps threads and thread-local state that outlive any connection.
type library struct {
	connect       func(argc int32, argv **byte) **byte
	closeConn     func(conn **byte)
	query         func(conn *byte, query *byte, queryLen uintptr, format *byte, formatLen uintptr, names **byte, nameLens *uintptr, values **byte, valueLens *uintptr, count uintptr) *byte
	resultBuffer  func(result *byte) *byte
	resultLength  func(result *byte) uintptr
	resultError   func(result *byte) string
	destroyResult func(result *byte)
}

// loadLibrary opens libchdb at path and binds the functions used here.
func loadLibrary(path string) (*library, error) {
	handle, err := dlopen(path)
	if err != nil {
		return nil, fmt.Errorf("load %s: %w; fetch it again with `make engine`, or set %s to a libchdb of version %s", path, err, EnvLibrary, Version)
	}
	lib := &library{}
	for name, fn := range map[string]any{
		"chdb_connect":              &lib.connect,
		"chdb_close_conn":           &lib.closeConn,
		"chdb_query_with_params_n":  &lib.query,
		"chdb_result_buffer":        &lib.resultBuffer,
		"chdb_result_length":        &lib.resultLength,
		"chdb_result_error":         &lib.resultError,
		"chdb_destroy_query_result": &lib.destroyResult,
	} {
		sym, err := dlsym(handle, name)
		if err != nil {
			return nil, fmt.Errorf("%s has no %s: it is not libchdb %s; fetch it again with `make engine`, or point %s at the right file", path, name, Version, EnvLibrary)
		}
		bind(fn, sym)
	}
	// Go keeps its own signal handlers; the engine's would replace SIGSEGV, SIGTERM and others.
	if sym, err := dlsym(handle, "chdb_set_signal_handlers_enabled"); err == nil {
		var setEnabled func(enabled int32)
		bind(&setEnabled, sym)
		setEnabled(0)
	}
	return lib, nil
}

// connection is one open connection to the engine inside this process. It runs one query at a time.
type connection struct {
	lib    *library
	handle **byte
}

// open opens one connection. args are the options after the program name; the first connection of the process
// starts the engine with them, later ones must name the same path.
func (l *library) open(args ...string) (*connection, error) {
	argv := make([]*byte, 0, len(args)+2)
	for _, arg := range append([]string{"weir-engine"}, args...) {
		argv = append(argv, cString(arg))
	}
	argc := len(argv)
	argv = append(argv, nil)
	handle := l.connect(int32(argc), &argv[0])
	runtime.KeepAlive(argv)
	if handle == nil || *handle == nil {
		return nil, errors.New("libchdb did not open the database and gave no reason")
	}
	return &connection{lib: l, handle: handle}, nil
}

// param is one named value of a query, in the engine's escaped text form.
type param struct{ name, value string }

// result is what a statement answered. It lives apart from its connection and must be freed.
type result struct {
	lib    *library
	handle *byte
	bytes  []byte // in the engine's memory: valid until free
}

func (r *result) free() { r.lib.destroyResult(r.handle) }

// query runs sql and returns the whole result in the named format, unless sql names another. An error of the engine is
// an *Exception.
func (c *connection) query(sql, format string, params ...param) (*result, error) {
	names, nameLens := make([]*byte, len(params)+1), make([]uintptr, len(params)+1)
	values, valueLens := make([]*byte, len(params)+1), make([]uintptr, len(params)+1)
	for i, p := range params {
		names[i], nameLens[i] = cString(p.name), uintptr(len(p.name))
		values[i], valueLens[i] = cString(p.value), uintptr(len(p.value))
	}
	handle := c.lib.query(*c.handle, cString(sql), uintptr(len(sql)), cString(format), uintptr(len(format)),
		&names[0], &nameLens[0], &values[0], &valueLens[0], uintptr(len(params)))
	runtime.KeepAlive(names)
	runtime.KeepAlive(values)
	if handle == nil {
		return nil, errors.New("libchdb returned no result: the connection is closed")
	}
	res := &result{lib: c.lib, handle: handle}
	if msg := c.lib.resultError(handle); msg != "" {
		res.free()
		return nil, parseException(msg)
	}
	if n, buf := c.lib.resultLength(handle), c.lib.resultBuffer(handle); n > 0 && buf != nil {
		res.bytes = unsafe.Slice(buf, n)
	}
	return res, nil
}

// exec runs a statement whose result does not matter.
func (c *connection) exec(sql string) error {
	res, err := c.query(sql, "Null")
	if err != nil {
		return err
	}
	res.free()
	return nil
}

func (c *connection) close() { c.lib.closeConn(c.handle) }

// cString returns s as bytes that end in NUL.
func cString(s string) *byte {
	b := make([]byte, len(s)+1)
	copy(b, s)
	return &b[0]
}
