// Measures quill as src/measure.rs measures every other logger: the same events, loops, pauses, fences and cores.
// `compare run --quill DIR` builds and runs this program; src/peer.rs and src/candidates/quill.rs are its other half.
//
// quill_driver latency|throughput json|text DIR KEY=NUMBER...
//
// DIR holds events.tsv, a line per event of the table: the bits of the price, the quantity, the symbol. The lines of the
// log go to DIR/quill.log. Latencies go to DIR/batches, DIR/singles and DIR/colds, as 64-bit ticks. Standard output gets
// lines KEY=NUMBER. Errors go to standard error, and the exit code is 1.
//
// Configuration of quill: a bounded queue that waits when it is full (`BoundedBlocking`; the default queue grows, which
// is never cheaper for the caller and costs page faults under a flood) of 1 MiB like the rings of the floors, allocated
// before the first call (`preallocate`, recommended in its documentation); the macros, its quickest interface; without
// the check for immediate flushes, as in its own benchmarks; a write buffer of 1 MiB, the size of the floors' chunks.
// All else is the default: the time-stamp counter as clock, a pause of 100 µs when idle, the check for printable
// characters, its default JSON members or pattern. Its thread inherits the core of the thread that starts it.
#define QUILL_ENABLE_IMMEDIATE_FLUSH 0

#include "quill/Backend.h"
#include "quill/Frontend.h"
#include "quill/LogMacros.h"
#include "quill/Logger.h"
#include "quill/sinks/FileSink.h"
#include "quill/sinks/JsonSink.h"

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <exception>
#include <fstream>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/resource.h>
#include <sys/stat.h>
#include <thread>
#include <vector>
#include <x86intrin.h>

namespace
{

using Clock = std::chrono::steady_clock;

struct Options : quill::FrontendOptions
{
  static constexpr quill::QueueType queue_type = quill::QueueType::BoundedBlocking;
  static constexpr size_t initial_queue_capacity = 1u << 20;
};
using Frontend = quill::FrontendImpl<Options>;
using Logger = quill::LoggerImpl<Options>;

constexpr int producer_core = 0;
constexpr int other_core = 1;
constexpr size_t batch_calls = 20;
constexpr uint64_t warm_calls = 20'000;
constexpr std::chrono::milliseconds settle{100};
// A file whose length has not changed for this long is complete.
constexpr std::chrono::milliseconds unchanged_for{300};
constexpr std::chrono::microseconds look_every{500};

struct Event
{
  uint64_t seq;
  double price;
  std::string_view sym;
  int32_t qty;
};

void pin(int core)
{
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(core, &set);
  if (sched_setaffinity(0, sizeof(set), &set) != 0)
  {
    throw std::runtime_error("cannot pin to core " + std::to_string(core) + "; two cores are needed");
  }
}

// See src/tsc.rs.
inline uint64_t timed_start()
{
  _mm_lfence();
  uint64_t const ticks = __rdtsc();
  _mm_lfence();
  return ticks;
}

inline uint64_t timed_stop()
{
  _mm_lfence();
  return __rdtsc();
}

// Keeps the compiler from computing with what `value` points to.
template <typename T>
inline void opaque(T* value)
{
  asm volatile("" : : "r"(value) : "memory");
}

// The events in the order of src/event.rs.
class Feed
{
public:
  explicit Feed(std::string const& path)
  {
    std::ifstream in{path};
    uint64_t bits{};
    int32_t qty{};
    std::string sym;
    while (in >> bits >> qty >> sym)
    {
      double price{};
      std::memcpy(&price, &bits, sizeof(price));
      _syms.push_back(sym);
      _rows.push_back(Event{0, price, _syms.back(), qty});
    }
    if (_rows.empty() || (_rows.size() & (_rows.size() - 1)) != 0)
    {
      throw std::runtime_error(path + ": expected lines whose number is a power of two");
    }
  }

  Event next()
  {
    Event event = _rows[_next & (_rows.size() - 1)];
    event.seq = _next++;
    return event;
  }

  uint64_t handed_out() const { return _next; }

private:
  std::vector<Event> _rows;
  std::deque<std::string> _syms; // a deque, because the rows point into it
  uint64_t _next{0};
};

// Uniformly distributed pauses, by spinning on the counter.
class Pause
{
public:
  Pause(double low_ns, double high_ns, double tsc_hz)
    : _low{static_cast<uint64_t>(low_ns * tsc_hz / 1e9)},
      _span{static_cast<uint64_t>((high_ns - low_ns) * tsc_hz / 1e9)}
  {
    _span = _span == 0 ? 1 : _span;
  }

  void wait()
  {
    _state ^= _state << 13;
    _state ^= _state >> 7;
    _state ^= _state << 17;
    uint64_t const deadline = __rdtsc() + _low + _state % _span;
    while (__rdtsc() < deadline)
    {
      _mm_pause();
    }
  }

private:
  uint64_t _low;
  uint64_t _span;
  uint64_t _state{0x2545f491};
};

// One call site for each format. `Json` is known at compile time, so that the timed code has no branch for it.
template <bool Json>
inline __attribute__((always_inline)) void log(Logger* logger, Event const& event)
{
  uint64_t const seq = event.seq;
  double const price = event.price;
  std::string_view const sym = event.sym;
  int32_t const qty = event.qty;
  if constexpr (Json)
  {
    LOGJ_INFO(logger, "order filled", seq, price, sym, qty);
  }
  else
  {
    LOG_INFO(logger, "order filled seq={} price={} sym={} qty={}", seq, price, sym, qty);
  }
}

// Prints what quill reports, without notices such as the number of times that it waited for a full queue.
void report(std::string const& message)
{
  if (message.find("Quill INFO") == std::string::npos)
  {
    std::fprintf(stderr, "%s\n", message.c_str());
  }
}

template <typename Sink>
Logger* make_logger(std::string const& path, quill::PatternFormatterOptions const& pattern)
{
  quill::FileSinkConfig config;
  config.set_open_mode('w');
  config.set_write_buffer_size(1u << 20);
  auto sink = Frontend::create_or_get_sink<Sink>(path, config);
  return Frontend::create_or_get_logger("exchange::gateway", std::move(sink), pattern);
}

template <bool Json>
Logger* start(std::string const& path, Feed& feed)
{
  pin(other_core);
  quill::BackendOptions options;
  options.error_notifier = report;
  quill::Backend::start(options);
  // The JSON sink makes the whole line; its documentation recommends an empty pattern.
  Logger* logger = Json ? make_logger<quill::JsonFileSink>(path, quill::PatternFormatterOptions{""})
                        : make_logger<quill::FileSink>(path, quill::PatternFormatterOptions{});
  pin(producer_core);
  Frontend::preallocate();
  for (uint64_t call = 0; call < warm_calls; ++call)
  {
    log<Json>(logger, feed.next());
  }
  std::this_thread::sleep_for(settle);
  return logger;
}

struct Cpu
{
  double user_s;
  double system_s;
};

Cpu cpu()
{
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  auto const seconds = [](timeval const& time)
  { return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6; };
  return Cpu{seconds(usage.ru_utime), seconds(usage.ru_stime)};
}

uint64_t length(std::string const& path)
{
  struct stat data{};
  return stat(path.c_str(), &data) == 0 ? static_cast<uint64_t>(data.st_size) : 0;
}

struct Completion
{
  Clock::time_point at;
  Cpu used;
  uint64_t bytes;
};

// See src/sys.rs: the moment of the call, if quill's report that it is done was correct.
Completion wait_until_unchanged(std::string const& path)
{
  Completion completion{Clock::now(), cpu(), length(path)};
  while (Clock::now() - completion.at < unchanged_for)
  {
    std::this_thread::sleep_for(look_every);
    uint64_t const bytes = length(path);
    if (bytes != completion.bytes)
    {
      completion = Completion{Clock::now(), cpu(), bytes};
    }
  }
  return completion;
}

void write_ticks(std::string const& path, std::vector<uint64_t> const& ticks)
{
  std::ofstream out{path, std::ios::binary};
  out.write(reinterpret_cast<char const*>(ticks.data()),
            static_cast<std::streamsize>(ticks.size() * sizeof(uint64_t)));
  if (!out.flush())
  {
    throw std::runtime_error("cannot write " + path);
  }
}

template <bool Json>
std::vector<uint64_t> time_batches(Logger* logger, Feed& feed, size_t count, Pause pause)
{
  std::vector<uint64_t> ticks(count, UINT64_MAX); // already written once: no page fault while timing
  for (uint64_t& slot : ticks)
  {
    Event events[batch_calls];
    for (Event& event : events)
    {
      event = feed.next();
    }
    opaque(&events[0]);
    pause.wait();
    uint64_t const begin = timed_start();
    for (Event const& event : events)
    {
      log<Json>(logger, event);
    }
    slot = timed_stop() - begin;
  }
  return ticks;
}

template <bool Json>
std::vector<uint64_t> time_singles(Logger* logger, Feed& feed, size_t count, Pause pause)
{
  std::vector<uint64_t> ticks(count, UINT64_MAX);
  for (uint64_t& slot : ticks)
  {
    Event event = feed.next();
    opaque(&event);
    pause.wait();
    uint64_t const begin = timed_start();
    log<Json>(logger, event);
    slot = timed_stop() - begin;
  }
  return ticks;
}

using Numbers = std::map<std::string, double>;

template <bool Json>
void measure_latency(std::string const& dir, Numbers const& numbers)
{
  Feed feed{dir + "/events.tsv"};
  std::string const path = dir + "/quill.log";
  double const tsc_hz = numbers.at("tsc_hz");
  auto const count = [&numbers](char const* name) { return static_cast<size_t>(numbers.at(name)); };
  Logger* logger = start<Json>(path, feed);
  auto const batches = time_batches<Json>(logger, feed, count("batches"), Pause{20e3, 40e3, tsc_hz});
  auto const singles = time_singles<Json>(logger, feed, count("singles"), Pause{4e3, 8e3, tsc_hz});
  auto const colds = time_singles<Json>(logger, feed, count("colds"), Pause{2e6, 2e6, tsc_hz});
  logger->flush_log();
  Completion const completion = wait_until_unchanged(path);
  write_ticks(dir + "/batches", batches);
  write_ticks(dir + "/singles", singles);
  write_ticks(dir + "/colds", colds);
  std::printf("logged=%llu\nbytes=%llu\n", static_cast<unsigned long long>(feed.handed_out()),
              static_cast<unsigned long long>(completion.bytes));
}

template <bool Json>
void measure_throughput(std::string const& dir, Numbers const& numbers)
{
  Feed feed{dir + "/events.tsv"};
  std::string const path = dir + "/quill.log";
  auto const events = static_cast<uint64_t>(numbers.at("events"));
  Logger* logger = start<Json>(path, feed);
  Cpu const before = cpu();
  auto const begin = Clock::now();
  for (uint64_t call = 0; call < events; ++call)
  {
    log<Json>(logger, feed.next());
  }
  auto const calls = Clock::now() - begin;
  logger->flush_log();
  Completion const completion = wait_until_unchanged(path);
  auto const seconds = [](Clock::duration time) { return std::chrono::duration<double>(time).count(); };
  std::printf("logged=%llu\nbytes=%llu\n", static_cast<unsigned long long>(feed.handed_out()),
              static_cast<unsigned long long>(completion.bytes));
  std::printf("wall_s=%.9f\ncalls_s=%.9f\nuser_s=%.6f\nsystem_s=%.6f\n", seconds(completion.at - begin),
              seconds(calls), completion.used.user_s - before.user_s, completion.used.system_s - before.system_s);
}

void run(int count, char** words)
{
  if (count < 4)
  {
    throw std::runtime_error("expected latency|throughput json|text DIR KEY=NUMBER...");
  }
  std::string const mode{words[1]};
  std::string const format{words[2]};
  if ((mode != "latency" && mode != "throughput") || (format != "json" && format != "text"))
  {
    throw std::runtime_error("expected latency or throughput and json or text, found " + mode + " and " + format);
  }
  Numbers numbers;
  for (int at = 4; at < count; ++at)
  {
    std::string const word{words[at]};
    size_t const equals = word.find('=');
    if (equals == std::string::npos)
    {
      throw std::runtime_error("expected KEY=NUMBER, found " + word);
    }
    numbers[word.substr(0, equals)] = std::strtod(word.c_str() + equals + 1, nullptr);
  }
  bool const is_json = format == "json";
  auto const measure = mode == "latency" ? (is_json ? measure_latency<true> : measure_latency<false>)
                                         : (is_json ? measure_throughput<true> : measure_throughput<false>);
  measure(words[3], numbers);
}

} // namespace

int main(int count, char** words)
{
  try
  {
    run(count, words);
  }
  catch (std::exception const& error)
  {
    std::fprintf(stderr, "quill_driver: %s\n", error.what());
    return 1;
  }
  quill::Backend::stop();
  return 0;
}
