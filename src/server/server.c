/*
 * The server process: its control thread, from the Corefile to the last signal.
 *
 * Everything here runs on the control thread's loop. Starting and reloading are plain sequential code on a fiber; signals
 * come in by a signalfd.
 */
#include "server/server.h"

#include "base/clock.h"
#include "base/epoch.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/program.h"
#include "server/accounting.h"
#include "server/admin.h"
#include "server/admin_socket.h"
#include "server/banner.h"
#include "server/corefile/review.h"
#include "server/explain.h"
#include "server/live.h"
#include "server/process/core_dump.h"
#include "server/registry.h"
#include "server/reload.h"
#include "server/sandbox.h"
#include "server/supervisor.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum {
	CONFIG_ARENA_SIZE = 64 * 1024,
	STOP_TIMEOUT_MS = 5000,
	RECLAIM_INTERVAL_MS = 100,
	EXIT_START_FAILED = 1,
	EXIT_FORCED = 2,
};

static struct {
	struct server_options *options;
	struct live live;
	struct loop *control;
	struct config *first; /* what is to go live first */
	struct watch signals;
	struct timer reclaim;
	uint8_t fingerprint[64]; /* of the Corefile that was read last, live or not */
	bool started, ending, reloading;
	int early; /* the last signal that came before it was started */
	int exit_code;
	int admin_fd; /* -1: there is no admin socket */
	const struct explain_question *question; /* of a rehearsal */
	FILE *answer;                            /* where it goes */
} server;

/* --- configurations --- */

/* The error in CoreDNS's words; at the start with its place below, where these words do not have it. */
static void tell_error(struct text *why, const struct complaint *c)
{
	text_add_string(why, c->text);
	if (!server.started && !complaint_has_place(c))
		text_printf(why, "\n\tat %s:%u", c->file, c->line);
}

/* A Corefile that was read, and what is wrong with it. The arena becomes that of the configuration made of it. */
struct reading {
	struct arena *arena;
	struct complaints complaints;
	struct corefile *corefile; /* NULL: it cannot be read */
};

static void reading_begin(struct reading *r)
{
	r->arena = arena_new(CONFIG_ARENA_SIZE);
	complaints_init(&r->complaints, r->arena);
	r->corefile = corefile_load(r->arena, &server.options->source, &r->complaints);
}

static bool is_new(const struct reading *r)
{
	return memcmp(r->corefile->fingerprint, server.fingerprint, sizeof server.fingerprint) != 0;
}

/* The configuration, or NULL with the first error in *why; ends the reading. */
static struct config *reading_build(struct reading *r, unsigned workers, struct text *why)
{
	struct corefile *corefile = r->corefile;
	struct config *config = NULL;
	if (corefile && !corefile->misnamed) {
		sandbox_review(corefile);
		config = config_build(r->arena, corefile, workers, false, &r->complaints);
	}
	for (const struct complaint *w = r->complaints.first; w; w = w->next) {
		bool refused = server.started && corefile && corefile->builtin;
		if (w->warning && !refused)
			log_warning("%s", w->text);
		else if (!why->length)
			tell_error(why, w);
	}
	if (corefile)
		memcpy(server.fingerprint, corefile->fingerprint, sizeof server.fingerprint);
	if (!config)
		arena_free(r->arena);
	return config;
}

bool server_check(struct arena *arena, struct corefile_source *source, struct complaints *c)
{
	hash_init();
	struct corefile *corefile = corefile_load(arena, source, c);
	if (!corefile || corefile->misnamed)
		return false;
	corefile_review(corefile, c);
	return config_build(arena, corefile, 1, true, c) && !c->errors;
}

static void debug_follow(const struct config *config)
{
	bool debug = false;
	for (const struct block *b = config->blocks; b; b = b->next)
		debug = debug || b->debug;
	log_debug_set(debug);
}

/* --- ending --- */

static void files_remove(void)
{
	if (server.options->pidfile)
		unlink(server.options->pidfile);
	if (server.options->admin)
		admin_socket_close(server.options->admin);
}

static void end_now(void)
{
	loop_stop(server.control);
}

static void end_gracefully(void *data)
{
	(void)data;
	config_shutdown(server.live.config);
	files_remove();
	supervised_notify(SUPERVISED_STOPPING);
	live_end(&server.live, clock_now() + STOP_TIMEOUT_MS * NS_PER_MS);
	config_stop(server.live.config);
	end_now();
}

static void end_interrupted(void *data)
{
	(void)data;
	files_remove();
	config_shutdown(server.live.config);
	supervised_notify(SUPERVISED_STOPPING);
	live_end(&server.live, clock_now());
	config_stop(server.live.config);
	end_now();
}

/* --- reloading --- */

bool reload_possible(void)
{
	return !server.live.config->corefile->builtin && !server.options->source.stdin_read;
}

void reload_fingerprint(char text[static 129])
{
	for (size_t i = 0; i < sizeof server.fingerprint; i++)
		snprintf(text + 2 * i, 3, "%02x", server.fingerprint[i]);
}

static bool replace_with(struct config *config, struct text *why)
{
	char *failure = NULL;
	if (!config)
		return false;
	if (config->corefile->builtin) {
		text_add_string(why, "the Corefile has no server block: the old configuration goes on");
		config_discard(config);
		return false;
	}
	if (!live_replace(&server.live, config, &failure)) {
		text_add_string(why, failure);
		free(failure);
		config_discard(config);
		return false;
	}
	debug_follow(config);
	config_started(config);
	return true;
}

static bool reload_with(struct reading *r, const char *cause)
{
	struct text why = { 0 };
	server.reloading = true;
	struct config *config = reading_build(r, server.live.worker_count, &why);
	log_info("Reloading");
	supervised_notify(SUPERVISED_RELOADING);
	bool done = replace_with(config, &why);
	supervised_notify(SUPERVISED_READY);
	if (done) {
		log_info("Reloading complete");
	} else {
		log_error("Restart failed: %s", why.at);
		log_error("%s: starting with listener file descriptors: %s", cause, why.at);
	}
	text_free(&why);
	server.reloading = false;
	return done;
}

static bool corefile_is_there(void)
{
	return access(server.live.config->corefile->path, R_OK) == 0;
}

bool reload_now(const char *cause)
{
	struct reading r;
	if (server.reloading || server.ending)
		return false;
	if (!reload_possible()) {
		log_error("%s: no Corefile to read again: it was built in or came from standard input", cause);
		return false;
	}
	if (!corefile_is_there()) {
		log_error("%s: loading updated Corefile: open %s: %s", cause,
			server.live.config->corefile->path, error_text(errno));
		return false;
	}
	reading_begin(&r);
	return reload_with(&r, cause);
}

enum reload_result reload_if_changed(void)
{
	struct reading r;
	if (server.reloading || server.ending || !reload_possible() || !corefile_is_there())
		return RELOAD_UNCHANGED;
	reading_begin(&r);
	if (r.corefile && is_new(&r))
		return reload_with(&r, "plugin/reload: Corefile changed but reload failed")
			       ? RELOAD_DONE
			       : RELOAD_FAILED;
	enum reload_result result = RELOAD_UNCHANGED;
	if (!r.corefile) {
		log_line(LOG_WARNING, "reload", "Corefile parse failed: %s", r.complaints.first->text);
		result = RELOAD_UNREADABLE;
	}
	arena_free(r.arena);
	return result;
}

static void reload_by_signal(void *data)
{
	(void)data;
	reload_now("SIGUSR1");
}

/* --- signals --- */

static void end_by(void (*how)(void *data), const char *text)
{
	log_info("%s", text);
	if (server.ending)
		return;
	server.ending = true;
	fiber_spawn(server.control, how, NULL);
}

/* Ends the process as it stands: nothing is waited for, nothing given back. */
static _Noreturn void quit(int exit_code)
{
	log_stop();
	_exit(exit_code);
}

static void interrupt(void)
{
	static bool again;
	if (again) {
		log_info("SIGINT: Force quit");
		quit(EXIT_FORCED);
	}
	again = true;
	end_by(end_interrupted, "SIGINT: Shutting down");
}

static void signal_arrived(int number)
{
	switch (number) {
	case SIGTERM: /* comes twice when it is sent to all processes of a group: the supervisor passes its own on */
		if (!server.ending)
			end_by(end_gracefully, "SIGTERM: Shutting down servers then terminating");
		break;
	case SIGINT:
		interrupt();
		break;
	case SIGQUIT:
		log_info("SIGQUIT: Quitting process immediately");
		files_remove();
		quit(0);
	case SIGUSR1:
		log_info("SIGUSR1: Reloading");
		fiber_spawn(server.control, reload_by_signal, NULL);
		break;
	case SIGUSR2:
		log_info("SIGUSR2: upgrading in place is not supported, start the new binary instead");
		break;
	default:
		break;
	}
}

static void signals_ready(struct watch *w, uint32_t events)
{
	(void)events;
	struct signalfd_siginfo info;
	if (read(w->fd, &info, sizeof info) != sizeof info)
		return;
	if (server.started)
		signal_arrived((int)info.ssi_signo);
	else
		server.early = (int)info.ssi_signo;
}

/* Blocked in every thread, so that they only come in by the descriptor. Hang-ups and broken pipes are nothing to us. */
static void signals_block(sigset_t *set)
{
	sigemptyset(set);
	const int numbers[] = { SIGTERM, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2 };
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
		sigaddset(set, numbers[i]);
	sigprocmask(SIG_BLOCK, set, NULL);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
}

/* --- starting --- */

static void reclaim(struct timer *t)
{
	epoch_reclaim();
	supervised_alive();
	timer_set(server.control, t, clock_now() + RECLAIM_INTERVAL_MS * NS_PER_MS);
}

static void pidfile_write(void)
{
	const char *path = server.options->pidfile;
	if (!path)
		return;
	FILE *f = fopen(path, "we");
	if (!f || fprintf(f, "%d\n", (int)supervised_pid()) < 0 || fclose(f) != 0)
		log_error("Could not write pidfile: open %s: %s", path, error_text(errno));
}

static void start(void *data)
{
	(void)data;
	char *why = NULL;
	debug_follow(server.first);
	if (!live_replace(&server.live, server.first, &why)) {
		fprintf(stderr, "%s\n", why);
		free(why);
		server.exit_code = EXIT_START_FAILED;
		config_discard(server.first);
		end_now();
		return;
	}
	if (!server.options->quiet)
		banner_zones(server.first);
	pidfile_write();
	supervised_notify(SUPERVISED_READY);
	config_started(server.first);
	if (!server.options->quiet)
		banner_version(log_bare);
	program_pages_return();
	server.started = true;
	if (!server.first->groups)
		end_now();
	else if (server.early)
		signal_arrived(server.early);
}

/* Series without labels are there from the start, also those of plugins that no Corefile names: what watches them sees 0
 * rather than nothing. */
static void show_series_without_labels(void)
{
	for (size_t i = 0; i < registry_count(); i++) {
		const struct plugin_type *type = registry_at(i)->type;
		for (size_t n = 0; type && type->metrics && type->metrics[n]; n++) {
			if (!type->metrics[n]->labels[0])
				metric_get(type->metrics[n], NULL);
		}
	}
}

/* Runs the workers, and `begin` on a fiber of the control loop, until end_now(). */
static void control_run(unsigned workers, void (*begin)(void *data))
{
	metrics_thread(0);
	server.reclaim.fire = reclaim;
	timer_set(server.control, &server.reclaim, clock_now());
	server.live.worker_count = workers;
	server.live.workers = workers_start(workers);
	loop_post(server.control, begin, NULL);
	loop_run(server.control);
	workers_stop(server.live.workers, workers);
	timer_cancel(server.control, &server.reclaim);
}

static void serve(unsigned workers, const sigset_t *signals)
{
	show_series_without_labels();
	account_crashes(supervised_crashes());
	server.signals = (struct watch){ .fd = signalfd(-1, signals, SFD_NONBLOCK | SFD_CLOEXEC),
		.ready = signals_ready };
	loop_watch(server.control, &server.signals, EPOLLIN);
	if (server.admin_fd >= 0)
		admin_socket_serve(server.admin_fd, server.control, &server.live);
	control_run(workers, start);
	loop_unwatch(server.control, &server.signals);
	close(server.signals.fd);
}

/* Nothing runs any more: what is still held is given back, so that leak checkers have nothing to say. */
static void forget(void)
{
	epoch_drain();
	live_forget(&server.live);
	loop_free(server.control);
}

/* The Corefile as the first configuration; false after saying why not. */
static bool read_first(struct server_options *options, unsigned workers)
{
	struct text why = { 0 };
	struct reading reading;
	server.options = options;
	hash_init();
	metrics_init(workers + 1);
	reading_begin(&reading);
	server.first = reading_build(&reading, workers, &why);
	if (!server.first)
		fprintf(stderr, "%s\n", why.at ? why.at : "the Corefile cannot be used");
	text_free(&why);
	return server.first != NULL;
}

int server_run(struct server_options *options)
{
	sigset_t signals;
	unsigned workers = options->workers ? options->workers : worker_count_default();
	if (!options->sandbox)
		core_dump_allow();
	if (!read_first(options, workers))
		return EXIT_START_FAILED;
	signals_block(&signals);
	server.admin_fd = options->admin ? admin_socket_open(options->admin) : -1;
	if (options->sandbox)
		sandbox_enter(server.first, options);
	log_start();
	server.control = loop_new(0);
	serve(workers, &signals);
	forget();
	log_stop();
	return server.exit_code;
}

/* --- rehearsing --- */

static void rehearse(void *data)
{
	(void)data;
	char *why = NULL;
	struct text to = { 0 };
	if (live_rehearse(&server.live, server.first, &why)) {
		explain(server.first, server.live.workers, server.question, &to);
		fprintf(server.answer, "%s", to.at ? to.at : "");
		live_end(&server.live, clock_now());
		config_stop(server.first);
	} else {
		fprintf(stderr, "%s\n", why);
		free(why);
		server.exit_code = EXIT_START_FAILED;
		config_discard(server.first);
	}
	text_free(&to);
	end_now();
}

/* Standard output is the answer's alone: what else would go there goes to standard error. */
static FILE *answer_only(void)
{
	int fd = dup(STDOUT_FILENO);
	FILE *answer = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (answer)
		dup2(STDERR_FILENO, STDOUT_FILENO);
	return answer;
}

int server_explain(struct server_options *options, const char *question)
{
	struct arena *arena = arena_new(CONFIG_ARENA_SIZE);
	struct explain_question asked;
	const char *why;
	server.exit_code = EXIT_START_FAILED;
	if (!explain_read(arena, view_of(question), &asked, &why)) {
		fprintf(stderr, "%s\n", why);
	} else if (read_first(options, 1) && (server.answer = answer_only())) {
		server.question = &asked;
		server.exit_code = 0;
		admin_rehearse();
		server.control = loop_new(0);
		control_run(1, rehearse);
		forget();
		fclose(server.answer);
	}
	arena_free(arena);
	return server.exit_code;
}
