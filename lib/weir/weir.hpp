#pragma once

// Everything except HTTP and the simulation. Including only the headers you use compiles faster.

#include <weir/error.hpp>
#include <weir/flow/asio_queue.hpp>
#include <weir/flow/for_each.hpp>
#include <weir/flow/histogram.hpp>
#include <weir/flow/map.hpp>
#include <weir/flow/pipeline.hpp>
#include <weir/flow/queue.hpp>
#include <weir/flow/task_pool.hpp>
#include <weir/flow/worker_pool.hpp>
#include <weir/policy/keyed_semaphore.hpp>
#include <weir/policy/schedule.hpp>
#include <weir/policy/timeout.hpp>
#include <weir/run/assume_serial.hpp>
#include <weir/run/blocking_lane.hpp>
#include <weir/run/cancel.hpp>
#include <weir/run/cleanup.hpp>
#include <weir/run/runner_pool.hpp>
#include <weir/run/scope.hpp>
#include <weir/run/signals.hpp>
#include <weir/sync/channel.hpp>
#include <weir/sync/event.hpp>
#include <weir/sync/gate.hpp>
#include <weir/sync/limit.hpp>
#include <weir/sync/semaphore.hpp>
#include <weir/sync/wait_group.hpp>
#include <weir/time/alarm.hpp>
#include <weir/time/clock.hpp>
#include <weir/time/sleep.hpp>
