import Glibc

/// Reads the lines that Caffe's own `parse_log.py` reads, from Caffe's logs and from ours.
enum CaffeLogReader {
  /// A row for each iteration that shows outputs, of the train net and of the test nets.
  ///
  /// The learning rate of a row is the last one told before its outputs, that of the first rows the
  /// first one told. Seconds count from the line `Solving …`.
  static func read(_ lines: [Substring]) -> RunHistory {
    var history = RunHistory()
    var iteration: Int?
    var rate: Double?
    var start: Double?
    for line in lines {
      let time = seconds(line)
      if start == nil, line.contains("Solving ") { start = time }
      if let match = line.firstMatch(of: /Iteration (\d+)/) { iteration = Int(match.1) }
      if let match = line.firstMatch(of: /lr = ([-+.\deE]+)/) { rate = Double(match.1) ?? rate }
      guard let iteration,
        let match = line.firstMatch(of: /(Train|Test) net output #(\d+): (\S+) = ([-+.\deE]+)/),
        let value = Double(match.4)
      else { continue }
      let elapsed = start.flatMap { start in time.map { since(start, $0) } }
      let rows = match.1 == "Train" ? \RunHistory.train : \RunHistory.test
      if history[keyPath: rows].last?.iteration != iteration {
        history[keyPath: rows].append(
          RunHistory.Row(
            iteration: iteration, seconds: elapsed, learningRate: rate, outputs: []))
      }
      history[keyPath: rows][history[keyPath: rows].count - 1].outputs
        .append((name: String(match.3), value: value))
    }
    let first = (history.train + history.test).compactMap(\.learningRate).first ?? rate
    for rows in [\RunHistory.train, \RunHistory.test] {
      for index in history[keyPath: rows].indices
      where history[keyPath: rows][index].learningRate == nil {
        history[keyPath: rows][index].learningRate = first
      }
    }
    return history
  }

  /// The time that glog writes before a line, in seconds since the year began, as if in a leap year.
  private static func seconds(_ line: Substring) -> Double? {
    guard
      let match = line.prefixMatch(of: /[IWEF](\d\d)(\d\d) (\d\d):(\d\d):(\d\d)\.(\d{6})/)
    else { return nil }
    var time = tm()
    time.tm_year = 100  // 2000, a leap year
    time.tm_mon = (Int32(match.1) ?? 1) - 1
    time.tm_mday = Int32(match.2) ?? 1
    time.tm_hour = Int32(match.3) ?? 0
    time.tm_min = Int32(match.4) ?? 0
    time.tm_sec = Int32(match.5) ?? 0
    return Double(timegm(&time)) + (Double(match.6) ?? 0) / 1e6
  }

  /// Time goes forward, so an earlier date is one of the next year.
  private static func since(_ start: Double, _ time: Double) -> Double {
    time >= start ? time - start : time - start + 366 * 86400
  }
}
