/* What Prometheus' libraries tell of every process: CPU, memory, descriptors, start time. */
#ifndef ISTHMUS_PLUGINS_PROMETHEUS_PROCESS_H
#define ISTHMUS_PLUGINS_PROMETHEUS_PROCESS_H

#include "base/metrics.h"

/* Has the process_* series on every page from now on; opens what it reads from, so that a sandbox
 * may be closed afterwards. Calls after the first do nothing. Control thread. */
void process_metrics_start(void);

/* The families, ended by NULL. */
extern const struct metric_family *const process_families[];

#endif
