package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"syscall"
	"time"

	"github.com/labstack/echo/v4"
)

// handlers are what the ports serve.
type handlers struct {
	gateway, api, metrics, ready, console, profiles http.Handler
}

// routers lays the handlers on one port, or on two when the second has an address. Echo only routes: every handler is
// plain net/http.
func routers(h handlers, twoPorts bool) (public, admin *echo.Echo) {
	public = newEcho()
	admin = public
	if twoPorts {
		admin = newEcho()
	}
	public.Any("/v1/*", echo.WrapHandler(h.gateway))
	public.GET("/healthz", echo.WrapHandler(http.HandlerFunc(alive)))
	if twoPorts {
		admin.GET("/healthz", echo.WrapHandler(http.HandlerFunc(alive)))
	}
	admin.GET("/readyz", echo.WrapHandler(h.ready))
	admin.GET("/metrics", echo.WrapHandler(h.metrics))
	admin.GET("/debug/pprof/*", echo.WrapHandler(h.profiles))
	admin.Any("/api/v1/*", echo.WrapHandler(h.api))
	admin.Any("/*", echo.WrapHandler(h.console))
	return public, admin
}

func newEcho() *echo.Echo {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.IPExtractor = echo.ExtractIPDirect() // never trust X-Forwarded-For
	e.HTTPErrorHandler = func(err error, c echo.Context) {
		status := http.StatusInternalServerError
		if he, ok := errors.AsType[*echo.HTTPError](err); ok {
			status = he.Code
		}
		c.Response().Header().Set("X-Content-Type-Options", "nosniff")
		http.Error(c.Response(), http.StatusText(status), status)
	}
	return e
}

func alive(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write([]byte(`{"status":"alive"}` + "\n"))
}

// listen opens a port, with a sentence for the usual obstacles.
func listen(ctx context.Context, address string) (net.Listener, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("the address %s is taken: another program listens there; stop it, or choose another with --listen or WEIR_LISTEN", address)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("this user may not listen on %s; choose a port above 1023 with --listen or WEIR_LISTEN", address)
	case err != nil:
		return nil, fmt.Errorf("listen on %s (--listen or WEIR_LISTEN): %w", address, err)
	}
	return l, nil
}

// newServer bounds how long a client can hold on to a connection without sending; answers have no time limit, streams last.
func newServer(h http.Handler, limits TimeoutConfig, log *slog.Logger) *http.Server {
	request := cmp.Or(limits.Request, defaultConfig().Timeouts.Request)
	return &http.Server{
		Handler:           inTime(h, request),
		ReadHeaderTimeout: min(10*time.Second, request),
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}

// serve runs servers on their listeners until ctx ends, then lets requests under way finish for as long as drain.
func serve(ctx context.Context, servers map[net.Listener]*http.Server, drain time.Duration, log *slog.Logger) error {
	failed := make(chan error, len(servers))
	for l, s := range servers {
		go func() {
			if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
				failed <- fmt.Errorf("serve on %s: %w", l.Addr(), err)
			}
		}()
	}
	var err error
	select {
	case err = <-failed:
	case <-ctx.Done():
		log.Info("stopping: requests under way may finish", "for", drain)
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
	defer cancel()
	for l, s := range servers {
		if serr := s.Shutdown(stop); serr != nil {
			log.Warn("requests cut off at the deadline", "address", l.Addr().String())
			err = errors.Join(err, s.Close())
		}
	}
	return err
}
