// A worker that only tells the time: browsers slow down the timers of hidden pages, but not a worker's, and a connection
// that does not beat is taken for lost.
setInterval(() => postMessage(0), 5000);
