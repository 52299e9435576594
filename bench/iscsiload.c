/*
 * iscsiload: keeps an iSCSI disk busy with requests of one kind and reports what came of it. Written on libiscsi's asynchronous calls,
 * so that it measures targets and not itself: one thread, no allocation of ours for a request.
 *
 *   gcc -O2 -Wall -o iscsiload iscsiload.c -liscsi
 *   iscsiload [options] iscsi://HOST:PORT/TARGET/LUN
 *
 *   --seconds N     how long (3)             --bytes N      size of a request (4096)
 *   --depth N       requests at once (32)    --writes N     percent of writes (0)
 *   --sessions N    sessions at once, each with its own depth (1)
 *   --sequential    one run through the disk instead of random places
 *   --span MIB      only the first MIB of the disk (1024)
 *
 * Prints one line: requests per second, MiB per second, then latency in microseconds: median, 99th and 99.9th percentile, maximum.
 * Ends with 0; with 1 where a request failed; with 2 where it could not start.
 */
#include <getopt.h>
#include <inttypes.h>
#include <iscsi/iscsi.h>
#include <iscsi/scsi-lowlevel.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Latencies fall into buckets of a 32nd of their power of two: 3 % fine, and no memory that grows with the run. */
enum { FINE = 32, BUCKETS = 64 * FINE };

struct options { double seconds; int depth, bytes, writes, sessions, sequential; uint64_t span_mib; const char *url; };
struct session { struct iscsi_context *iscsi; int lun; };
struct request { struct session *session; unsigned char *buffer; int is_write; uint64_t started_ns; };

static struct options opt = { .seconds = 3, .depth = 32, .bytes = 4096, .sessions = 1, .span_mib = 1024 };
static uint32_t block_length;
static uint64_t places, next_place, random_state = 0x2545F4914F6CDD1Dull;
static uint64_t finish_ns, completed, failed, in_progress, slowest_ns, histogram[BUCKETS];

static void give_up(const char *what, struct iscsi_context *iscsi)
{
	fprintf(stderr, "iscsiload: %s%s%s\n", what, iscsi ? ": " : "", iscsi ? iscsi_get_error(iscsi) : "");
	exit(2);
}

static uint64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t random_number(void)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return random_state * 0x2545F4914F6CDD1Dull;
}

static int bucket_of(uint64_t ns)
{
	int power = 63 - __builtin_clzll(ns | FINE);
	return (power - 5) * FINE + (int)((ns | FINE) >> (power - 5)) - FINE;
}

static double percentile_us(double share)
{
	uint64_t wanted = (uint64_t)(completed * share), seen = 0;
	for (int i = 0; i < BUCKETS; i++)
		if ((seen += histogram[i]) > wanted)
			return (double)((uint64_t)(i % FINE + FINE) << (i / FINE)) / 1000;
	return slowest_ns / 1000.0;
}

static void start(struct request *request);

static void on_end(struct iscsi_context *iscsi, int status, void *data, void *private_data)
{
	struct request *request = private_data;
	uint64_t now = now_ns(), took = now - request->started_ns;

	in_progress--;
	if (status == SCSI_STATUS_GOOD) {
		completed++;
		histogram[bucket_of(took)]++;
		if (took > slowest_ns)
			slowest_ns = took;
	} else if (failed++ == 0) {
		fprintf(stderr, "iscsiload: a request ended with status %d: %s\n", status, iscsi_get_error(iscsi));
	}
	scsi_free_scsi_task(data);
	if (now < finish_ns && failed == 0)
		start(request);
}

static void start(struct request *request)
{
	struct session *s = request->session;
	uint64_t place = opt.sequential ? next_place++ % places : random_number() % places;
	uint64_t lba = place * ((uint64_t)opt.bytes / block_length);
	struct scsi_task *task;

	request->is_write = (int)(random_number() % 100) < opt.writes;
	request->started_ns = now_ns();
	if (request->is_write) {
		memcpy(request->buffer, &request->started_ns, sizeof request->started_ns);
		task = iscsi_write16_task(s->iscsi, s->lun, lba, request->buffer, opt.bytes, block_length, 0, 0, 0, 0, 0, on_end, request);
	} else {
		task = iscsi_read16_task(s->iscsi, s->lun, lba, opt.bytes, block_length, 0, 0, 0, 0, 0, on_end, request);
		/* Straight into our buffer: libiscsi would allocate one for each read. */
		if (task)
			scsi_task_add_data_in_buffer(task, opt.bytes, request->buffer);
	}
	if (!task)
		give_up("a request could not be queued", s->iscsi);
	in_progress++;
}

static void log_in(struct session *s, int number)
{
	char name[96];
	struct iscsi_url *url;

	snprintf(name, sizeof name, "iqn.2018-05.local:load-%d-%d", (int)getpid(), number);
	if (!(s->iscsi = iscsi_create_context(name)))
		give_up("out of memory", NULL);
	iscsi_set_noautoreconnect(s->iscsi, 1);
	if (!(url = iscsi_parse_full_url(s->iscsi, opt.url)))
		give_up("bad URL", s->iscsi);
	s->lun = url->lun;
	iscsi_set_session_type(s->iscsi, ISCSI_SESSION_NORMAL);
	iscsi_set_targetname(s->iscsi, url->target);
	iscsi_set_header_digest(s->iscsi, ISCSI_HEADER_DIGEST_NONE);
	if (iscsi_full_connect_sync(s->iscsi, url->portal, url->lun))
		give_up("login failed", s->iscsi);
	iscsi_destroy_url(url);
}

static void measure_disk(struct session *s)
{
	struct scsi_task *task = iscsi_readcapacity16_sync(s->iscsi, s->lun);
	struct scsi_readcapacity16 *capacity = task && task->status == SCSI_STATUS_GOOD ? scsi_datain_unmarshall(task) : NULL;

	if (!capacity)
		give_up("no capacity", s->iscsi);
	block_length = capacity->block_length;
	uint64_t bytes = (capacity->returned_lba + 1) * block_length, span = opt.span_mib << 20;
	places = (bytes < span ? bytes : span) / (uint64_t)opt.bytes;
	scsi_free_scsi_task(task);
	if (opt.bytes % (int)block_length || places == 0)
		give_up("the requests do not fit the disk", NULL);
}

static void run(struct session *sessions)
{
	struct pollfd *polled = calloc((size_t)opt.sessions, sizeof *polled);

	while (in_progress > 0) {
		for (int i = 0; i < opt.sessions; i++) {
			polled[i].fd = iscsi_get_fd(sessions[i].iscsi);
			polled[i].events = (short)iscsi_which_events(sessions[i].iscsi);
		}
		if (poll(polled, (nfds_t)opt.sessions, 15000) <= 0)
			give_up("nothing came for 15 s", NULL);
		for (int i = 0; i < opt.sessions; i++)
			if (polled[i].revents && iscsi_service(sessions[i].iscsi, polled[i].revents) < 0)
				give_up("the connection was lost", sessions[i].iscsi);
	}
	free(polled);
}

static void read_options(int argc, char **argv)
{
	static const struct option known[] = {
		{ "seconds", 1, NULL, 't' }, { "depth", 1, NULL, 'd' }, { "bytes", 1, NULL, 'b' }, { "writes", 1, NULL, 'w' },
		{ "sessions", 1, NULL, 'n' }, { "sequential", 0, NULL, 'q' }, { "span", 1, NULL, 's' }, { 0 },
	};
	for (int o; (o = getopt_long(argc, argv, "", known, NULL)) != -1;)
		switch (o) {
		case 't': opt.seconds = atof(optarg); break;
		case 'd': opt.depth = atoi(optarg); break;
		case 'b': opt.bytes = atoi(optarg); break;
		case 'w': opt.writes = atoi(optarg); break;
		case 'n': opt.sessions = atoi(optarg); break;
		case 'q': opt.sequential = 1; break;
		case 's': opt.span_mib = strtoull(optarg, NULL, 10); break;
		default: exit(2);
		}
	if (optind + 1 != argc || opt.depth < 1 || opt.bytes < 1 || opt.sessions < 1)
		give_up("usage: iscsiload [options] iscsi://HOST:PORT/TARGET/LUN", NULL);
	opt.url = argv[optind];
}

int main(int argc, char **argv)
{
	read_options(argc, argv);
	struct session *sessions = calloc((size_t)opt.sessions, sizeof *sessions);
	struct request *requests = calloc((size_t)opt.sessions * (size_t)opt.depth, sizeof *requests);
	int count = opt.sessions * opt.depth;

	for (int i = 0; i < opt.sessions; i++)
		log_in(&sessions[i], i);
	measure_disk(&sessions[0]);
	for (int i = 0; i < count; i++) {
		requests[i].session = &sessions[i / opt.depth];
		if (posix_memalign((void **)&requests[i].buffer, 4096, (size_t)opt.bytes))
			give_up("out of memory", NULL);
		for (int b = 0; b < opt.bytes; b++)
			requests[i].buffer[b] = (unsigned char)random_number();
	}

	uint64_t begin = now_ns();
	finish_ns = begin + (uint64_t)(opt.seconds * 1e9);
	for (int i = 0; i < count; i++)
		start(&requests[i]);
	run(sessions);

	double took = (double)(now_ns() - begin) / 1e9, rate = (double)completed / took;
	printf("%.0f req/s %.1f MiB/s p50 %.0f p99 %.0f p99.9 %.0f max %.0f us\n", rate, rate * opt.bytes / (1 << 20),
	       percentile_us(0.5), percentile_us(0.99), percentile_us(0.999), (double)slowest_ns / 1000);
	for (int i = 0; i < opt.sessions && !failed; i++)
		iscsi_logout_sync(sessions[i].iscsi);
	return failed != 0;
}
