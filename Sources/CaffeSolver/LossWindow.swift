/// The mean of the last `average_loss` losses, which is what the log shows.
struct LossWindow {
  let capacity: Int
  /// Oldest first.
  private(set) var losses: [Float]

  init(capacity: Int, losses: [Float] = []) {
    self.capacity = capacity
    self.losses = losses.suffix(capacity)
  }

  mutating func append(_ loss: Float) {
    if losses.count == capacity { losses.removeFirst() }
    losses.append(loss)
  }

  var mean: Float {
    losses.isEmpty ? 0 : losses.reduce(0, +) / Float(losses.count)
  }
}
