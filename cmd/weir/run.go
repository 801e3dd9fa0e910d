package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/alert"
	"github.com/weir-dev/weir/api"
	"github.com/weir-dev/weir/clickhouse"
	"github.com/weir-dev/weir/clickhouse/engine"
	"github.com/weir-dev/weir/dashboards/console"
	"github.com/weir-dev/weir/dashboards/report/schedule"
	"github.com/weir-dev/weir/ingest"
	"github.com/weir-dev/weir/ingest/budget"
	"github.com/weir-dev/weir/ingest/limit"
	"github.com/weir-dev/weir/ingest/route"
	"github.com/weir-dev/weir/ingest/spool"
	"github.com/weir-dev/weir/internal/metrics"
	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/prompts"
	"github.com/weir-dev/weir/rag"
	"github.com/weir-dev/weir/sqldb"
	"github.com/weir-dev/weir/trace"
	"github.com/weir-dev/weir/trace/otelout"
	"github.com/weir-dev/weir/trace/tail"
)

// service is a running weir as its parts outside run see it.
type service struct {
	url       string         // of the console
	gateway   string         // of /v1
	signIn    string         // one-time link to the console
	firstKey  account.Secret // made at this start, or zero
	admin     account.Secret
	madeAdmin bool // at this start
	dir       *dataDir
	writer    trace.Writer
	keys      account.Keys
	ring      *account.Keyring
	book      *prices
	reader    trace.Reader
	alerts    *alert.Watch
	reports   *schedule.Sender
	rag       *pipelines
	asked     *askedLog
	evals     *servedEvals
	stores    demoStores
	engine    *engine.Engine // nil beside a ClickHouse server
}

// run is weir: it opens things from the bottom up, serves until ctx ends and closes them from the top down. started is
// told when everything listens; extra, if not nil, runs beside the servers.
func run(ctx context.Context, cfg Config, log *slog.Logger, started func(*service), extra func(context.Context, *service) error) (err error) {
	closing := func(what string, close func() error) {
		if cerr := close(); cerr != nil {
			err = errors.Join(err, fmt.Errorf("close %s: %w", what, cerr))
		}
	}
	weight := newBallast()
	defer runtime.KeepAlive(weight)

	// Ports first: a taken one should not cost the start of an engine.
	listener, err := listen(ctx, cfg.Listen)
	if err != nil {
		return err
	}
	defer listener.Close()
	adminListener := listener
	if cfg.ListenAdmin != "" {
		if adminListener, err = listen(ctx, cfg.ListenAdmin); err != nil {
			return err
		}
		defer adminListener.Close()
	}

	dir, err := openDataDir(cfg.Data)
	if err != nil {
		return err
	}
	defer closing("data directory", dir.Close)
	admin, madeAdmin, err := dir.adminToken()
	if err != nil {
		return err
	}

	// The stores.
	control, err := sqldb.Open(ctx, sqldb.Config{URL: cfg.Control.URL.Secret, File: dir.file("control.db")})
	if err != nil {
		return err
	}
	defer closing("control plane", control.Close)
	salt, err := contentSalt(ctx, dir, control)
	if err != nil {
		return err
	}
	firstKey, err := ensureFirstKey(ctx, control)
	if err != nil {
		return err
	}
	ring, err := account.NewKeyring(ctx, control, 0)
	if err != nil {
		return fmt.Errorf("read keys: %w", err)
	}
	book, err := openPrices(ctx, cfg, control)
	if err != nil {
		return err
	}
	arms := &arms{store: control, log: log}
	registry, err := openRegistry(ctx, control, arms, dir, listener.Addr(), log)
	if err != nil {
		return err
	}
	keeping, stopKeeping := context.WithCancel(context.WithoutCancel(ctx))
	kept := goAll(keeping, registry.Run) // from here on other replicas wait for this one
	defer func() { stopKeeping(); kept() }()
	store, eng, err := openStore(ctx, cfg, dir, log)
	if err != nil {
		return err
	}
	if eng != nil {
		defer closing("engine", eng.Close)
	}
	defer closing("store", store.Close)
	waiting, err := spool.Open(spoolConfig(cfg.Spool, dir, store, log))
	if err != nil {
		return err
	}
	defer closing("spool", waiting.Close)

	with, err := joinReplicas(cfg, log)
	if err != nil {
		return err
	}
	defer closing("redis", with.Close)
	passages, err := openQdrant(cfg)
	if err != nil {
		return err
	}
	if passages != nil {
		defer closing("qdrant", passages.Close)
	}

	// What watches.
	gauges := metrics.New(version, spoolState{waiting}.metrics)
	observers := []func(*trace.Record){gauges.Observe}
	var otel *otelout.Exporter
	if os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") != "" || os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") != "" {
		otel, err = otelout.New(ctx, version)
		if err != nil {
			return err
		}
		defer closing("OTLP exporter", func() error {
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
			defer cancel()
			return otel.Close(last)
		})
		observers = append(observers, otel.Observe)
	}

	// The chain, innermost first.
	table := routingTable(cfg)
	refusals := gauges.CountRefusals()
	webhook := budgetWebhook(cfg, control, log)
	guard := newGuard(dir, control, book, store, waiting, with, budgetNews{webhook, refusals.Budget}, log)
	gauges.WatchBudgets(budgetMetrics(guard)) //nolint:contextcheck // a scrape has none to give
	defer closing("budgets", guard.Close)
	observers = append(observers, guard.Observe)
	send := route.Fallback(table, admitTries(admitPriced(cfg, book), guard))
	answers, closeAnswers := with.answerStore(cfg)
	defer closing("response cache", closeAnswers)
	top := &chainTop{}
	memory := cached(send, cfg, answers, likeQuestions(cfg, answers, store.Vectors(), top), log)
	observers = append(observers, memory.Observe)
	gauges.WatchCache(memory.metrics)
	if with != nil {
		gauges.WatchRedis(with.metrics)
	}
	gauges.WatchPrompts(promptMetrics(registry))
	gauges.WatchExperiments(arms.metrics)
	send = memory.stage
	limits := limit.New(limit.Config{Rules: limitRules(cfg), KeyLimits: ring.Limits, Store: with.limitStore(), Refused: func(rule string, kind limit.Kind) { refusals.Limit(rule, string(kind)) }, Log: log})
	observers = append(observers, limits.Observe)
	send = limit.EnforceTokens(send, limits)
	recording := ingest.RecordConfig{
		Book: book.Current, Recorder: guard.Keep(waiting), Admit: admitOthers(guard, admission(waiting)), Watch: guard.Watch, Observers: observers, Keep: contentPolicy(cfg, salt), MaxCapture: cfg.Record.MaxCapture, Log: log,
	}
	questions := newAskedLog(store.RAGLog(), store, log)
	answering, err := openPipelines(cfg, ragParts{
		ClickHouse: store.RAG(), Qdrant: ragIndex(passages), Top: ingest.Record(send, recording), Price: payerPrices(table, priceNames(cfg), book),
		Answered: questions.add, Spans: ragSpans(waiting, otel, log), Counts: gauges.CountRAG(pipelineNames(cfg)), Log: log, Words: registry.Words,
	})
	if err != nil {
		return err
	}
	send = rag.Serve(send, answering.served)
	send = prompts.Resolve(send, promptConfig(cfg, registry, arms, ring))
	send = limit.Enforce(send, limits)
	record := ingest.Record(send, recording)
	top.Sender = record

	// The ports.
	door := ingest.Config{
		Send: record, Refused: record.Refused, Stamp: guard.Stamp, Keys: ring, MaxBody: cfg.MaxBody, Passthrough: cfg.Passthrough,
		ProjectProvider: projectProvider(cfg), Log: log,
	}
	gateway := ingest.New(door)
	health := &readiness{store: store, engine: eng, spool: waiting, control: control, prompts: registry, redis: with, qdrant: passages}
	trials := freshExperiments{store, freshReader{store, waiting.Flush}}
	drifts := newDrift(store, freshReader{store, waiting.Flush})
	alerts, err := newAlarms(cfg.Alerts, alertParts{control, store, freshReader{store, waiting.Flush}, guard, waiting, drifts, "http://" + reachable(adminListener.Addr())}, log)
	if err != nil {
		return err
	}
	coming := tail.New(tail.Config{Arrivals: freshArrivals{store, freshReader{store, waiting.Flush}}, Log: log})
	papers := newReports(cfg, reportParts{control, store, freshReader{store, waiting.Flush}, book, alerts, llm.NewID(time.Now()), "http://" + reachable(adminListener.Addr())}, log)
	evals := newServedEvals(dir.file("evals"), control, control, store, door, admin, log)
	admins := api.New(api.Config{
		Reader: freshReader{store, waiting.Flush}, Adjuster: freshAdjuster{store, freshReader{store, waiting.Flush}}, Spool: spoolState{waiting}, Tail: coming, Keys: control, KeysChanged: ring.Refresh, Book: book.Current, PriceAs: priceNames(cfg), Prices: control, PricesChanged: book.Refresh,
		Scores: store, Finder: store, Bundles: freshBundles{store, freshReader{store, waiting.Flush}}, Explorer: freshExplorer{store, freshReader{store, waiting.Flush}},
		Annotations: control, Datasets: control, Evals: control, EvalResults: store, EvalRunner: evals, Online: control, Gate: evalGates{control, store},
		Budgets: control, BudgetLedger: budgetLedger{guard}, BudgetsChanged: with.budgetsRefresh(guard),
		BudgetEvents: control, Advice: freshAdvice{store, freshReader{store, waiting.Flush}}, Adjusted: guard.Adjusted,
		Prompts: control, Registry: registry, Members: control, Views: control, Experiments: control, ExperimentReader: trials, Playground: playground(door),
		Alerts: alerts.watch, Reports: papers, Drift: drifts, RAG: answering, RAGLog: questions, Cache: memory, AdminToken: admin, System: systemReport(cfg, control.Kind(), health), Log: log,
	})
	evals.api = admins.Handler()
	public, private := routers(handlers{
		gateway: gateway, api: admins.Handler(), metrics: gauges.Handler(), ready: health, console: console.Handler(), profiles: admins.Profiles(),
	}, cfg.ListenAdmin != "")
	stall := cmp.Or(cfg.Timeouts.Stall, defaultConfig().Timeouts.Stall)
	servers := map[net.Listener]*http.Server{&patientListener{listener, stall}: newServer(public, cfg.Timeouts, log)}
	if cfg.ListenAdmin != "" {
		servers[&patientListener{adminListener, stall}] = newServer(private, cfg.Timeouts, log)
	}

	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	wait := goAll(background,
		func(ctx context.Context) { store.KeepMigrated(ctx) },
		func(ctx context.Context) {
			ring.Run(ctx, func(err error) { log.Warn("keys not refreshed", "error", err) })
		},
		func(ctx context.Context) { book.Run(ctx, log) },
	)
	defer func() { stop(); wait() }()
	shared := goAll(background, func(ctx context.Context) { with.run(ctx, guard, log) })
	defer func() { stop(); shared() }()
	if err := startGuard(ctx, guard); err != nil {
		return err
	}
	noting := goAll(background, questions.run, answering.recall.Run, answering.settling.Run)
	defer func() { stop(); noting() }()
	budgets := goAll(background, guard.Run, memory.stage.Run)
	defer func() { stop(); budgets() }()
	pilot := &autopilot{
		store: control, leases: control, owner: llm.NewID(time.Now()), reader: trials, changed: registry.Changed, promote: admins.Promote, log: log,
	}
	looking := goAll(background, pilot.Run)
	defer func() { stop(); looking() }()
	scoring := goAll(background, onlineRunner(control, store, freshReader{store, waiting.Flush}, questions, record, routePrices(table, priceNames(cfg), book), judgePrompts(evals.client()), pilot.owner, log).Run)
	defer func() { stop(); scoring() }()
	evaluating := goAll(background, evals.Run)
	defer func() { stop(); evaluating() }()
	alarmed := goAll(background, alerts.Run)
	defer func() { stop(); alarmed() }()
	reporting := goAll(background, papers.Sender.Run, func(ctx context.Context) { drifts.Keep(ctx, log) })
	defer func() { stop(); reporting() }()
	tailing, stopTailing := context.WithCancel(ctx) // who listens is not waited for when weir stops
	tailed := goAll(tailing, coming.Run)
	defer func() { stopTailing(); tailed() }()
	if webhook != nil {
		telling := goAll(background, webhook.Run)
		defer func() { stop(); telling() }()
	}

	s := &service{
		url: "http://" + reachable(adminListener.Addr()), gateway: "http://" + reachable(listener.Addr()) + "/v1", firstKey: firstKey,
		admin: admin, madeAdmin: madeAdmin, dir: dir, writer: store, keys: control, ring: ring, book: book, reader: store, alerts: alerts.watch, reports: papers.Sender, rag: answering, asked: questions, engine: eng,
	}
	s.evals, s.stores = evals, demoStores{
		members: control, prompts: control, experiments: control, prices: control, budgets: control, datasets: control, runs: control, results: store,
		online: control, annotations: control, scores: store,
		inForce: func(ctx context.Context) error {
			registry.Changed(ctx)
			return errors.Join(ring.Refresh(ctx), book.Refresh(ctx), with.budgetsRefresh(guard)(ctx))
		},
	}
	s.signIn = s.url + "/?signin=" + url.QueryEscape(admins.SignInCode())
	if started != nil {
		started(s)
	}
	if extra != nil {
		beside := goAll(background, func(ctx context.Context) {
			if err := extra(ctx, s); err != nil && ctx.Err() == nil {
				log.Error("demo traffic stopped", "error", err)
			}
		})
		defer func() { stop(); beside() }()
	}
	return serve(ctx, servers, cfg.Timeouts.Shutdown, log)
}

// openStore connects to the configured ClickHouse, or starts the embedded engine.
func openStore(ctx context.Context, cfg Config, dir *dataDir, log *slog.Logger) (*clickhouse.DB, *engine.Engine, error) {
	if !cfg.ClickHouse.URL.IsZero() {
		db, err := clickhouse.Open(clickhouse.Config{URL: cfg.ClickHouse.URL.Reveal(), Preview: preview, Log: log})
		return db, nil, err
	}
	eng, err := engine.Start(ctx, engine.Config{Dir: dir.file("clickhouse"), Log: log})
	if err != nil {
		return nil, nil, err
	}
	db, err := clickhouse.Open(clickhouse.Config{Dial: eng.DialContext, Preview: preview, Log: log})
	if err != nil {
		return nil, nil, errors.Join(err, eng.Close())
	}
	return db, eng, nil
}

// spoolConfig is the write-ahead log in the data directory, in front of the store.
func spoolConfig(c SpoolConfig, dir *dataDir, store *clickhouse.DB, log *slog.Logger) spool.Config {
	return spool.Config{
		Dir: dir.file("spool"), MaxRows: c.MaxRows, MaxAge: c.MaxAge, MaxDisk: c.MaxDisk,
		Fsync: spool.Fsync(c.Fsync), FsyncEvery: c.FsyncEvery, MaxWait: c.MaxWait,
		OnSlowDisk: spool.OnSlowDisk(c.OnSlowDisk), OnFull: spool.OnFull(c.OnFull),
		Writer: store, Poison: clickhouse.Poison, Holds: store.Holds, Log: log,
	}
}

// admission notes a call in the spool before it is sent, with what is held for it, so that one under way when this process
// dies is found again.
func admission(s *spool.Disk) func(*llm.Call, budget.Target, price.USD) error {
	return func(c *llm.Call, to budget.Target, held price.USD) error {
		path, _, _ := strings.Cut(c.Path, "?") // as a record has it
		return s.Admit(spool.Admission{
			ID: c.ID, TraceID: c.TraceID, SpanID: c.SpanID, ParentID: c.ParentID, Start: c.Start, Project: c.Project, KeyID: c.KeyID, Key: c.Key,
			User: c.User, Session: c.Session, Tags: c.Tags, Endpoint: c.Endpoint, Path: path, Stream: c.Stream, Model: c.Model, Provider: to.Provider, Target: to.Model, Held: held,
		})
	}
}

// ensureFirstKey makes a first virtual key when there is none at all.
func ensureFirstKey(ctx context.Context, keys account.Keys) (account.Secret, error) {
	list, err := keys.ListKeys(ctx)
	if err != nil {
		return account.Secret{}, fmt.Errorf("read keys: %w", err)
	}
	if len(list) > 0 {
		return account.Secret{}, nil
	}
	id, text, hash := account.Mint()
	err = keys.CreateKey(ctx, account.Key{ID: id, Project: "default", Name: "first", Hash: hash, CreatedAt: time.Now()})
	if errors.Is(err, account.ErrNameTaken) {
		return account.Secret{}, nil // another replica was quicker
	}
	if err != nil {
		return account.Secret{}, fmt.Errorf("make the first key: %w", err)
	}
	return text, nil
}

// reachable is a listener's address as a browser on this machine reaches it.
func reachable(a net.Addr) string {
	host, port, err := net.SplitHostPort(a.String())
	if err != nil {
		return a.String()
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}

// goAll starts the loops and returns what waits for them.
func goAll(ctx context.Context, loops ...func(context.Context)) (wait func()) {
	done := make(chan struct{}, len(loops))
	for _, loop := range loops {
		go func() { loop(ctx); done <- struct{}{} }()
	}
	return func() {
		for range loops {
			<-done
		}
	}
}
