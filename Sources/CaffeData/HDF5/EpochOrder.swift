/// The order in which the rows of several files come, epoch after epoch: as listed, or shuffled
/// anew in each epoch, files as a whole and rows within each.
///
/// Every place is computed from (seed, epoch); only the order of the files is kept, for one epoch.
final class EpochOrder {
  /// How many rows an epoch has.
  let recordCount: Int
  private let rowCounts: [Int]
  private let random: CounterRandom?
  private var epoch = -1
  /// The files of `epoch` in their order, and at which of its records each begins.
  private var files: [(file: Int, start: Int)] = []

  var isShuffled: Bool { random != nil }

  /// - Parameter seed: nil for the listed order.
  init(rowCounts: [Int], seed: UInt64?) {
    self.rowCounts = rowCounts
    recordCount = rowCounts.reduce(0, +)
    random = seed.map { CounterRandom(seed: $0) }
  }

  /// File and row of a record, counted from the first of the first epoch.
  func locate(_ record: Int) -> (file: Int, row: Int) {
    let (epoch, place) = record.quotientAndRemainder(dividingBy: recordCount)
    if epoch != self.epoch { arrange(epoch) }
    // The last file that begins at or before the place; empty ones begin where the next does.
    var low = 0
    var high = files.count
    while high - low > 1 {
      let middle = (low + high) / 2
      if files[middle].start <= place { low = middle } else { high = middle }
    }
    let (file, start) = files[low]
    guard let random else { return (file, place - start) }
    let rows = Permutation(
      count: rowCounts[file], random: random.branch(UInt64(epoch)).branch(1 + UInt64(file)))
    return (file, rows[place - start])
  }

  private func arrange(_ epoch: Int) {
    self.epoch = epoch
    var sequence = Array(rowCounts.indices)
    if let random {
      let shuffled = Permutation(
        count: rowCounts.count, random: random.branch(UInt64(epoch)).branch(0))
      sequence = sequence.map { shuffled[$0] }
    }
    var start = 0
    files = sequence.map { file in
      defer { start += rowCounts[file] }
      return (file, start)
    }
  }
}
