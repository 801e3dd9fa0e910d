package qdrant_test

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	pb "github.com/qdrant/go-client/qdrant"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/rag"
	"github.com/weir-dev/weir/rag/qdrant"
	"github.com/weir-dev/weir/rag/ragtest"
)

func shape(dimensions int) rag.Shape {
	return rag.Shape{Embedder: "test/embedder", Dimensions: dimensions, Splitter: "recursive-1/256/32/o200k_base", AverageLength: 12}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// says checks an error's kind, which may be nil, and words.
func says(t *testing.T, err, kind error, words ...string) {
	t.Helper()
	if err == nil || kind != nil && !errors.Is(err, kind) {
		t.Fatalf("got error %v, want %v", err, kind)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("got error %q, want it to say %q", err, w)
		}
	}
}

// raw is a client of the server's own contract.
func raw(t *testing.T, s *stub) *pb.Client {
	t.Helper()
	host, port, err := net.SplitHostPort(strings.TrimPrefix(s.url, "http://"))
	check(t, err)
	var number int
	_, err = fmt.Sscan(port, &number)
	check(t, err)
	c, err := pb.NewClient(&pb.Config{Host: host, Port: number, SkipCompatibilityCheck: true, PoolSize: 1})
	check(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// TestLargeMessages: answers beyond gRPC's 4 MB come through, and what is put is cut into requests of bounded size.
func TestLargeMessages(t *testing.T) {
	server := (&stub{}).start(t)
	store := open(t, qdrant.Config{URL: server.url})
	check(t, store.Make(t.Context(), rag.Collection{Name: "c", Shape: shape(2)}))
	const n = 250
	points := make([]rag.Point, n)
	for i := range points {
		points[i] = ragtest.NewPoint(i, "long.md", strings.Repeat("x", 100_000), []float32{1, float32(i)}, ragtest.Terms(1, 1))
	}
	check(t, store.Put(t.Context(), "c", points))
	if got := server.called("Upsert"); got != 3+1 { // 25 MB and a little in parts of 8 MiB at most
		t.Errorf("got %d requests for 25 MB, want 4", got)
	}
	found, err := store.Search(t.Context(), "c", rag.Query{Vector: ragtest.Unit(1, 0), Terms: ragtest.Ask(1), Limit: 100})
	check(t, err)
	chunks, err := store.Chunks(t.Context(), "c", "long.md")
	check(t, err)
	if len(found.Dense) != 100 || len(found.Sparse) != 100 || len(chunks) != n {
		t.Errorf("got %d, %d and %d chunks, want 100, 100 and %d", len(found.Dense), len(found.Sparse), len(chunks), n)
	}

	huge := ragtest.NewPoint(1, "huge.md", strings.Repeat("x", 25<<20), []float32{1, 0}, rag.Terms{})
	says(t, store.Put(t.Context(), "c", []rag.Point{huge}), nil, "huge.md", "split it")
	broken := ragtest.NewPoint(1, "broken.md", "\xff", []float32{1, 0}, rag.Terms{})
	says(t, store.Put(t.Context(), "c", []rag.Point{broken}), nil, "not valid UTF-8")
}

// TestAway: the error says where the server should be and which setting names it, and the store finds it when it is back.
func TestAway(t *testing.T) {
	server := (&stub{}).start(t)
	store := open(t, qdrant.Config{URL: server.url})
	check(t, store.Make(t.Context(), rag.Collection{Name: "c", Shape: shape(2)}))
	server.server.Stop()
	_, err := store.Search(t.Context(), "c", rag.Query{Vector: ragtest.Unit(1, 0), Limit: 1})
	says(t, err, rag.ErrAway, server.url, "qdrant.url", "WEIR_QDRANT_URL")
	says(t, store.Ready(t.Context()), rag.ErrAway, server.url)
	says(t, store.Make(t.Context(), rag.Collection{Name: "d", Shape: shape(2)}), rag.ErrAway, server.url)
	_, err = store.Collections(t.Context())
	says(t, err, rag.ErrAway)

	server.listen(t, strings.TrimPrefix(server.url, "http://"))
	for deadline := time.Now().Add(time.Minute); ; {
		if err := store.Ready(t.Context()); err == nil {
			break
		} else if time.Now().After(deadline) {
			t.Fatalf("the store did not find the server again in a minute: %v", err)
		}
	}
	_, err = store.Collection(t.Context(), "c")
	check(t, err)
}

func TestHangs(t *testing.T) {
	release := make(chan struct{})
	server := &stub{fault: func(string) error { <-release; return nil }}
	server.start(t)
	defer close(release)
	store := open(t, qdrant.Config{URL: server.url, Timeout: 20 * time.Millisecond})
	says(t, store.Ready(t.Context()), rag.ErrAway, server.url, "20ms", "qdrant.timeout")
}

// TestRetries: a server that is not there for a moment is asked again; one that refuses is not.
func TestRetries(t *testing.T) {
	var failures, tries atomic.Int64
	server := &stub{fault: func(method string) error {
		if method != "Upsert" {
			return nil
		}
		tries.Add(1)
		if failures.Add(-1) >= 0 {
			return status.Error(codes.Unavailable, "starting")
		}
		return nil
	}}
	server.start(t)
	store := open(t, qdrant.Config{URL: server.url})
	check(t, store.Make(t.Context(), rag.Collection{Name: "c", Shape: shape(2)}))
	point := []rag.Point{ragtest.NewPoint(1, "d", "text", []float32{1, 0}, rag.Terms{})}
	failures.Store(2)
	check(t, store.Put(t.Context(), "c", point))
	if got := tries.Load(); got != 3 {
		t.Errorf("got %d tries, want 3", got)
	}
	failures.Store(100)
	says(t, store.Put(t.Context(), "c", point), rag.ErrAway, "starting")
}

func TestOtherShape(t *testing.T) {
	store := open(t, qdrant.Config{URL: (&stub{}).start(t).url})
	check(t, store.Make(t.Context(), rag.Collection{Name: "c", Shape: shape(2)}))
	other := shape(2)
	other.Splitter = "markdown-1/384/0/o200k_base"
	says(t, store.Make(t.Context(), rag.Collection{Name: "c", Shape: other}), rag.ErrOtherShape, "c", "recursive-1/256/32/o200k_base", "markdown-1/384/0/o200k_base", "take another name")
}

// TestForeign: collections of others in the same server are left alone.
func TestForeign(t *testing.T) {
	server := (&stub{}).start(t)
	store := open(t, qdrant.Config{URL: server.url})
	check(t, raw(t, server).CreateCollection(t.Context(), &pb.CreateCollection{CollectionName: "theirs", VectorsConfig: pb.NewVectorsConfigMap(map[string]*pb.VectorParams{
		"dense": {Size: 2, Distance: pb.Distance_Dot},
	})}))
	says(t, store.Make(t.Context(), rag.Collection{Name: "theirs", Shape: shape(2)}), rag.ErrOtherShape, "not made by weir")
	says(t, store.Put(t.Context(), "theirs", []rag.Point{ragtest.NewPoint(1, "d", "x", []float32{1, 0}, rag.Terms{})}), rag.ErrOtherShape)
	says(t, store.Drop(t.Context(), "theirs"), rag.ErrOtherShape)
	says(t, store.Point(t.Context(), "docs", "theirs"), rag.ErrOtherShape)
	list, err := store.Collections(t.Context())
	check(t, err)
	if len(list) != 0 {
		t.Errorf("got %v, want none of others", list)
	}
}

// TestHalfMade: a collection whose maker ended before its indexes were there is completed, as strict mode refuses filters
// by fields without an index.
func TestHalfMade(t *testing.T) {
	var broken atomic.Bool
	broken.Store(true)
	server := &stub{fault: func(method string) error {
		if method == "CreateFieldIndex" && broken.Load() {
			return status.Error(codes.Internal, "out of memory")
		}
		return nil
	}}
	server.start(t)
	store := open(t, qdrant.Config{URL: server.url})
	c := rag.Collection{Name: "c", Shape: shape(2)}
	says(t, store.Make(t.Context(), c), nil, "out of memory", "tenant")
	_, err := store.Search(t.Context(), "c", rag.Query{Vector: ragtest.Unit(1, 0), Limit: 1})
	says(t, err, nil, "Index required")
	broken.Store(false)
	check(t, store.Make(t.Context(), c))
	_, err = store.Search(t.Context(), "c", rag.Query{Vector: ragtest.Unit(1, 0), Limit: 1})
	check(t, err)
	if got := server.called("CreateFieldIndex"); got != 4 {
		t.Errorf("got %d indexes, want 4", got)
	}
	check(t, store.Make(t.Context(), c))
	if got := server.called("CreateFieldIndex"); got != 4 {
		t.Errorf("got %d requests for indexes that are there, want none", got-4)
	}
}

// TestDimensions: wrong vectors are refused before they are sent, and where an alias moved behind the store's back, after.
func TestDimensions(t *testing.T) {
	server := (&stub{}).start(t)
	store, other := open(t, qdrant.Config{URL: server.url}), open(t, qdrant.Config{URL: server.url})
	check(t, store.Make(t.Context(), rag.Collection{Name: "two", Shape: shape(2)}))
	check(t, store.Make(t.Context(), rag.Collection{Name: "three", Shape: shape(3)}))
	check(t, store.Point(t.Context(), "docs", "two"))
	long := []rag.Point{ragtest.NewPoint(1, "d", "x", []float32{1, 0, 0}, rag.Terms{})}
	says(t, store.Put(t.Context(), "docs", long), rag.ErrOtherShape, "2 dimensions", "has 3")
	_, err := store.Search(t.Context(), "docs", rag.Query{Vector: ragtest.Unit(1, 0, 0), Limit: 1})
	says(t, err, rag.ErrOtherShape, "2 dimensions", "has 3")
	if server.called("Upsert")+server.called("QueryBatch") != 0 {
		t.Error("wrong vectors were sent")
	}
	_, err = store.Search(t.Context(), "docs", rag.Query{Vector: ragtest.Unit(1, 0), Terms: ragtest.Ask(1), Limit: 1})
	check(t, err)
	if got := server.called("QueryBatch"); got != 1 {
		t.Errorf("got %d requests for both lists, want 1", got)
	}

	check(t, other.Point(t.Context(), "docs", "three"))
	_, err = store.Search(t.Context(), "docs", rag.Query{Vector: ragtest.Unit(1, 0), Limit: 1})
	says(t, err, rag.ErrOtherShape, `"three"`, "3 dimensions")
	check(t, store.Put(t.Context(), "docs", long))
}

func TestVersions(t *testing.T) {
	for version, words := range map[string][]string{
		"1.16.0": nil, "1.17.1": nil, "v1.19.2-dev": nil, "1.15.3": {"1.15.3", "1.16"}, "2.0.0": {"2.0.0"}, "latest": {"latest", "qdrant.url"}, "": {"qdrant.url"},
	} {
		server := &stub{}
		server.start(t).version = version
		store := open(t, qdrant.Config{URL: server.url})
		err := store.Ready(t.Context())
		if words == nil {
			check(t, err)
			continue
		}
		says(t, err, nil, append(words, server.url)...)
		says(t, store.Make(t.Context(), rag.Collection{Name: "c", Shape: shape(2)}), nil, words...)
		if server.called("Create") > 0 {
			t.Errorf("version %q: a collection was made", version)
		}
	}
}

func TestKey(t *testing.T) {
	const key = "very-secret-key"
	server := (&stub{key: key}).start(t)
	_, err := open(t, qdrant.Config{URL: server.url, APIKey: account.NewSecret(key)}).Collections(t.Context())
	check(t, err)
	for _, wrong := range []string{"", "another-secret"} {
		_, err := open(t, qdrant.Config{URL: server.url, APIKey: account.NewSecret(wrong)}).Collections(t.Context())
		says(t, err, nil, "qdrant.api_key")
		if errors.Is(err, rag.ErrAway) || wrong != "" && strings.Contains(err.Error(), wrong) {
			t.Errorf("got %v, want neither away nor the key", err)
		}
	}
}

func TestAddress(t *testing.T) {
	for url, words := range map[string]string{
		"": "no host", "http://": "no host", "127.0.0.1:6334": "http://host:6334", "redis://host:6334": "scheme", "http://u:secret@host": "qdrant.api_key",
		"http://host:6334/collections": "path", "http://host:99999": "port", "http://host?x=1": "path",
	} {
		_, err := qdrant.Open(qdrant.Config{URL: url})
		says(t, err, nil, words)
		if strings.Contains(err.Error(), "secret") {
			t.Errorf("the error shows the password: %v", err)
		}
	}
	for _, url := range []string{"http://localhost", "https://q.example.com:443/", "grpc://[::1]:6334", "grpcs://q.example.com"} {
		open(t, qdrant.Config{URL: url})
	}
}

func TestClosed(t *testing.T) {
	store := open(t, qdrant.Config{URL: (&stub{}).start(t).url})
	check(t, store.Make(t.Context(), rag.Collection{Name: "c", Shape: shape(2)}))
	check(t, store.Close())
	check(t, store.Close())
	says(t, store.Ready(t.Context()), nil, "closing")
	_, err := store.Search(t.Context(), "c", rag.Query{Vector: ragtest.Unit(1, 0), Limit: 1})
	says(t, err, nil, "closing")
}

// TestCollectionAsMade looks at what the server was asked for.
func TestCollectionAsMade(t *testing.T) {
	for _, q := range []qdrant.Quantization{"", qdrant.None, qdrant.Scalar} {
		server := (&stub{}).start(t)
		store := open(t, qdrant.Config{URL: server.url, Quantization: q})
		check(t, store.Make(t.Context(), rag.Collection{Name: "c", Shape: shape(384)}))
		info, err := raw(t, server).GetCollectionInfo(t.Context(), "c")
		check(t, err)
		if got, want := info.GetConfig().GetQuantizationConfig().GetScalar().GetType() == pb.QuantizationType_Int8, q == qdrant.Scalar; got != want {
			t.Errorf("quantization %q: got scalar %v, want %v", q, got, want)
		}
		params := info.GetConfig().GetParams()
		if v := params.GetVectorsConfig().GetParamsMap().GetMap()["dense"]; v.GetSize() != 384 || v.GetDistance() != pb.Distance_Cosine {
			t.Errorf("got dense vectors %v, want 384 by cosine", v)
		}
		if v := params.GetSparseVectorsConfig().GetMap()["bm25"]; v.GetModifier() != pb.Modifier_Idf {
			t.Errorf("got sparse vectors %v, want them with IDF", v)
		}
		strict := info.GetConfig().GetStrictModeConfig()
		if !strict.GetEnabled() || strict.UnindexedFilteringRetrieve == nil || strict.GetUnindexedFilteringRetrieve() || strict.GetUnindexedFilteringUpdate() {
			t.Errorf("got strict mode %v, want it on and no filter without an index", strict)
		}
		if !info.GetPayloadSchema()["tenant"].GetParams().GetKeywordIndexParams().GetIsTenant() {
			t.Errorf("got index %v of tenant, want it as a tenant's", info.GetPayloadSchema()["tenant"])
		}
	}
}
