package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/weir-dev/weir/eval"
)

// datasetInfo is a version of a dataset as the API tells it.
type datasetInfo struct {
	Name      string
	Version   int
	Hash      string
	Items     int
	Splits    []eval.Split
	Message   string
	Author    string
	CreatedAt time.Time `json:"created_at"`
	Made      bool
	Skipped   map[string]int
}

// datasetsCommand keeps evaluation data.
func datasetsCommand() *cobra.Command {
	cmd := group(&cobra.Command{
		Use:   "datasets",
		Short: "Evaluation data: versions that never change",
		Example: `  weir datasets import faq.jsonl --message 'from support'
  weir datasets from-calls faq --since 7d --prompt greet@prod --limit 200
  weir datasets diff faq 1 2`,
	})
	clientFlags(cmd)
	cmd.AddCommand(datasetsImportCommand(), datasetsExportCommand(), datasetsListCommand(), datasetsSnapshotCommand(), datasetsDiffCommand(), datasetsFromCallsCommand(), datasetsDeleteCommand())
	return cmd
}

func datasetsImportCommand() *cobra.Command {
	var name, message string
	var splits []string
	var as eval.Columns
	cmd := &cobra.Command{
		Use:   "import FILE",
		Short: "Store a file as the next version of a dataset",
		Long: `import reads a .jsonl file of {"id", "input", "expected", "context", "metadata"}, an object a line, a .csv file whose first line names the columns, or a
.parquet file with such columns, whose cells are what their types say: texts, numbers, lists, objects.
The dataset is named as the file without its suffix, unless --name says otherwise. When anything in the file is wrong, nothing is stored, and every fault
is told with its line. What the newest version says already is that version.`,
		Example: `  weir datasets import faq.jsonl
  weir datasets import faq.csv --input question --expected answer --split train=0.8,test=0.2`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			items, err := readItems(args[0], as)
			if err != nil {
				return err
			}
			shares, err := readSplits(splits)
			if err != nil {
				return err
			}
			if _, err := eval.NewSnapshot(items, shares...); err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			if name == "" {
				name = baseName(args[0])
			}
			return datasetPut(cmd, "datasets", nil, map[string]any{"name": name, "items": items, "splits": shares, "message": message})
		},
	}
	f := cmd.Flags()
	f.StringVar(&name, "name", "", "the dataset's name (that of the file)")
	f.StringVarP(&message, "message", "m", "", "why it is as it is")
	f.StringSliceVar(&splits, "split", nil, "shares of the items by name, which an id always falls into the same of: train=0.8,test=0.2")
	f.StringVar(&as.ID, "id", "", "column of the ids")
	f.StringVar(&as.Input, "input", "", "column of the inputs")
	f.StringVar(&as.Expected, "expected", "", "column of what is expected")
	f.StringVar(&as.Context, "context", "", "column of the contexts")
	return cmd
}

func baseName(file string) string {
	name := file[strings.LastIndexByte(file, os.PathSeparator)+1:]
	if dot := strings.LastIndexByte(name, '.'); dot > 0 {
		name = name[:dot]
	}
	return name
}

func readSplits(words []string) ([]eval.Split, error) {
	var out []eval.Split
	for _, w := range words {
		name, text, ok := strings.Cut(w, "=")
		share, err := strconv.ParseFloat(text, 64)
		if !ok || err != nil {
			return nil, fmt.Errorf("--split %q is no share: want train=0.8", w)
		}
		out = append(out, eval.Split{Name: name, Share: share})
	}
	return out, nil
}

// datasetPut stores a version and tells of it.
func datasetPut(cmd *cobra.Command, path string, q url.Values, in map[string]any) error {
	c, err := newClient(cmd)
	if err != nil {
		return err
	}
	c.timeout = 10 * time.Minute
	var made datasetInfo
	raw, err := c.do(cmd.Context(), http.MethodPost, path, q, in, &made)
	if err != nil {
		return err
	}
	s := newScreen(cmd)
	if asJSON(cmd) {
		return s.asItCame(raw)
	}
	what := "version"
	if !made.Made {
		what = "unchanged, version"
	}
	fmt.Fprintf(s.out, "%s: %s %d, %s, %s\n", clean(made.Name), what, made.Version, noun(made.Items, "item"), made.Hash[:min(12, len(made.Hash))])
	for reason, n := range made.Skipped {
		s.note("%s passed over: %s", noun(n, "call"), clean(reason))
	}
	return nil
}

func datasetsExportCommand() *cobra.Command {
	var format, file string
	cmd := &cobra.Command{
		Use:   "export NAME[@VERSION]",
		Short: "Print a version as JSON lines, or write it as Parquet",
		Example: `  weir datasets export faq@2 > faq.jsonl
  weir datasets export faq --format parquet --out faq.parquet`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			write := map[string]func(io.Writer, []eval.Item) error{"jsonl": eval.WriteJSONL, "parquet": eval.WriteParquet}[format]
			if write == nil {
				return fmt.Errorf("--format %q is unknown: want jsonl or parquet", format)
			}
			if format == "parquet" && file == "" && newScreen(cmd).width > 0 {
				return errors.New("a Parquet file is not for a terminal: name the file with --out")
			}
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			got, err := fetchDataset(cmd.Context(), c, args[0])
			if err != nil {
				return err
			}
			if file == "" {
				return write(cmd.OutOrStdout(), got.Items)
			}
			return writeItems(file, got.Items, write)
		},
	}
	cmd.Flags().StringVar(&format, "format", "jsonl", "jsonl or parquet")
	cmd.Flags().StringVarP(&file, "out", "o", "", "write to this file (standard output)")
	return cmd
}

func datasetsListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list [NAME]",
		Short: "List the datasets, or the versions of one",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			path := "datasets"
			if len(args) == 1 {
				path += "/" + url.PathEscape(args[0])
			}
			var list struct{ Datasets, Versions []datasetInfo }
			raw, err := c.get(cmd.Context(), path, nil, &list)
			if err != nil {
				return err
			}
			s := newScreen(cmd)
			if asJSON(cmd) {
				return s.asItCame(raw)
			}
			return s.datasets(slices.Concat(list.Datasets, list.Versions))
		},
	}
}

func datasetsSnapshotCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "snapshot NAME[@VERSION]",
		Short: "Show what a version is: its hash, which runs name it by, its items and splits",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			got, err := fetchDataset(cmd.Context(), c, args[0])
			if err != nil {
				return err
			}
			s := newScreen(cmd)
			counts := map[string]int{}
			for i := range got.Items {
				counts[got.SplitOf(got.Items[i].ID)]++
			}
			if asJSON(cmd) {
				return s.encode(map[string]any{"dataset": args[0], "hash": got.Hash, "items": len(got.Items), "splits": got.Splits, "split_items": counts})
			}
			s.facts("dataset", args[0], "hash", got.Hash, "items", count(int64(len(got.Items))))
			for _, p := range got.Splits {
				s.facts("split "+p.Name, fmt.Sprintf("%v of the ids, %s", p.Share, noun(counts[p.Name], "item")))
			}
			return nil
		},
	}
}

func (s *screen) datasets(list []datasetInfo) error {
	sh := sheet{columns: []column{
		{name: "name", flex: true},
		{name: "version", right: true},
		{name: "items", right: true},
		{name: "hash", drop: 2},
		{name: "made", drop: 1},
		{name: "by", drop: 3},
		{name: "message", flex: true},
	}}
	for _, d := range list {
		sh.rows = append(sh.rows, []string{d.Name, strconv.Itoa(d.Version), count(int64(d.Items)), d.Hash[:min(12, len(d.Hash))], s.moment(d.CreatedAt), d.Author, d.Message})
	}
	return s.table(sh)
}

func datasetsDiffCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "diff NAME FROM [TO]",
		Short: "Show what differs between two versions, item by item",
		Args:  cobra.RangeArgs(2, 3),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			q := url.Values{"from": {args[1]}}
			if len(args) == 3 {
				q.Set("to", args[2])
			}
			var d eval.Difference
			raw, err := c.get(cmd.Context(), "datasets/"+url.PathEscape(args[0])+"/diff", q, &d)
			if err != nil {
				return err
			}
			s := newScreen(cmd)
			if asJSON(cmd) {
				return s.asItCame(raw)
			}
			for _, it := range d.Removed {
				fmt.Fprintf(s.out, "- %s\n", clean(it.ID))
			}
			for _, it := range d.Added {
				fmt.Fprintf(s.out, "+ %s\n", clean(it.ID))
			}
			for _, it := range d.Changed {
				fmt.Fprintf(s.out, "~ %s: %s\n", clean(it.ID), strings.Join(changedParts(&it), ", "))
			}
			fmt.Fprintf(s.out, "%d added, %d removed, %d changed, %d unchanged\n", len(d.Added), len(d.Removed), len(d.Changed), d.Unchanged)
			return nil
		},
	}
}

// changedParts names what differs of an item.
func changedParts(c *eval.Changed) []string {
	var out []string
	for _, p := range []struct {
		name    string
		was, is []byte
	}{{"input", c.Was.Input, c.Is.Input}, {"expected", c.Was.Expected, c.Is.Expected}, {"context", c.Was.Context, c.Is.Context}} {
		if !bytes.Equal(p.was, p.is) {
			out = append(out, p.name)
		}
	}
	if len(out) == 0 {
		out = append(out, "metadata")
	}
	return out
}

func datasetsFromCallsCommand() *cobra.Command {
	var message string
	var limit int
	var bare bool
	cmd := &cobra.Command{
		Use:   "from-calls NAME",
		Short: "Make the next version of a dataset of recorded calls",
		Long: `from-calls makes items of recorded chats, the oldest first: their messages, or the variables of their prompt, as the input, and the answer as what is
expected, unless --no-expected. Content is taken as it was recorded: redacted where the project's policy redacts, and a call whose content was not kept makes
no item. Filters are those of weir calls.`,
		Args: cobra.ExactArgs(1),
	}
	var filter filterFlags
	var prompt string
	filter.register(cmd, "7d")
	filter.registerText(cmd)
	cmd.Flags().StringVar(&prompt, "prompt", "", "only this prompt's, as name or name@version")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		q, err := filter.query(time.Now())
		if err != nil {
			return err
		}
		if prompt != "" {
			q.Set("prompt", prompt)
		}
		in := map[string]any{"message": message, "limit": limit, "expected": "answer"}
		if bare {
			in["expected"] = "none"
		}
		return datasetPut(cmd, "datasets/"+url.PathEscape(args[0])+"/from-calls", q, in)
	}
	f := cmd.Flags()
	f.IntVar(&limit, "limit", 1000, "items at most")
	f.StringVarP(&message, "message", "m", "", "why it is as it is")
	f.BoolVar(&bare, "no-expected", false, "the answers are not what is expected")
	return cmd
}

func datasetsDeleteCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "delete NAME",
		Short: "Remove a dataset with all its versions; runs keep their items",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if args[0] == "" {
				return errors.New("say which dataset")
			}
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			_, err = c.do(cmd.Context(), http.MethodDelete, "datasets/"+url.PathEscape(args[0]), nil, nil, nil)
			return err
		},
	}
}
