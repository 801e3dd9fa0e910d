package engine

import (
	"encoding/xml"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// profile holds the settings of every statement, meant for two cores and a few hundred megabytes.
var profile = map[string]string{
	"max_threads":        "2",
	"max_insert_threads": "1",
	// The default, a gigabyte, would leave one thread to an engine of a few hundred megabytes.
	"max_threads_min_free_memory_per_thread": "33554432",
	"max_block_size":                         "16384",
	// What its client has forgotten must end some day.
	"max_execution_time": "300",
	// Both profilers send signals, which belong to Go here.
	"query_profiler_real_time_period_ns": "0",
	"query_profiler_cpu_time_period_ns":  "0",
	"log_queries":                        "0",
	"memory_profiler_step":               "0",
	// A batch of the writer stays one block, so one part and one deduplication entry, up to these.
	"min_insert_block_size_rows":  "262144",
	"min_insert_block_size_bytes": "67108864",
	"max_insert_block_size":       "262144",
	// Large aggregations and sorts go to disk before they meet the limit of memory.
	"max_bytes_before_external_group_by": "100000000",
	"max_bytes_before_external_sort":     "100000000",
	"max_read_buffer_size":               "262144",
}

// server holds the settings of the engine as a whole; sizes in bytes.
var server = map[string]string{
	"mark_cache_size":                               "33554432",
	"primary_index_cache_size":                      "33554432",
	"vector_similarity_index_cache_size":            "67108864",
	"iceberg_metadata_files_cache_size":             "0",
	"parquet_metadata_cache_size":                   "8388608",
	"text_index_tokens_cache_size":                  "8388608",
	"text_index_header_cache_size":                  "8388608",
	"text_index_postings_cache_size":                "16777216",
	"mmap_cache_size":                               "64",
	"compiled_expression_cache_size":                "16777216",
	"background_pool_size":                          "2",
	"background_merges_mutations_concurrency_ratio": "1",
	"background_schedule_pool_size":                 "4",
	"background_common_pool_size":                   "2",
	"background_move_pool_size":                     "1",
	"background_fetches_pool_size":                  "1",
	"background_message_broker_schedule_pool_size":  "1",
	"background_distributed_schedule_pool_size":     "1",
	"max_io_thread_pool_size":                       "8",
	"max_thread_pool_free_size":                     "8",
	"max_active_parts_loading_thread_pool_size":     "2",
	"max_outdated_parts_loading_thread_pool_size":   "1",
	"max_parts_cleaning_thread_pool_size":           "2",
	"async_insert_threads":                          "1",
}

// mergeTree holds defaults of tables that fit the small pool of merges.
var mergeTree = map[string]string{
	"number_of_free_entries_in_pool_to_execute_mutation":                  "2",
	"number_of_free_entries_in_pool_to_lower_max_size_of_merge":           "2",
	"number_of_free_entries_in_pool_to_execute_optimize_entire_partition": "2",
	"merge_max_block_size_bytes":                                          "4194304",
}

// writeConfig writes the engine's configuration into dir and returns its path.
func writeConfig(dir string, memoryLimit int64) (string, error) {
	users := filepath.Join(dir, "weir-engine-users.xml")
	config := filepath.Join(dir, "weir-engine.xml")
	usersXML := "<clickhouse><profiles><default>" + elements(profile) + "</default></profiles>" +
		"<users><default><password></password><networks><ip>::/0</ip></networks><profile>default</profile><quota>default</quota></default></users>" +
		"<quotas><default></default></quotas></clickhouse>\n"
	configXML := "<clickhouse>" + elements(server) +
		elements(map[string]string{
			"max_server_memory_usage": strconv.FormatInt(memoryLimit, 10),
			"users_config":            users,
		}) +
		"<logger><level>none</level></logger><merge_tree>" + elements(mergeTree) + "</merge_tree></clickhouse>\n"
	for path, text := range map[string]string{users: usersXML, config: configXML} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return "", fmt.Errorf("write the engine's configuration: %w", err)
		}
	}
	return config, nil
}

// elements is one XML element per entry, in order of their names.
func elements(values map[string]string) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(values)) {
		fmt.Fprintf(&b, "<%s>", name)
		_ = xml.EscapeText(&b, []byte(values[name])) // a strings.Builder does not fail
		fmt.Fprintf(&b, "</%s>", name)
	}
	return b.String()
}
