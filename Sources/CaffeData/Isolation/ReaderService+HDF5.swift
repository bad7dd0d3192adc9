import CaffeErrors

extension ReaderService {
  /// Values travel in parts of about this size where the file lets them be read so.
  private static let partBytes = 1 << 20

  func answerHDF5(
    _ request: ReaderRequest, _ message: inout ReaderMessage
  ) throws -> ReaderMessage? {
    var answer = ReaderMessage()
    if request == .openHDF5 {
      hdf5 = try HDF5File(reading: try message.text())
      return answer
    }
    if request == .readValues {
      try sendValues(&message)
      return nil
    }
    guard let hdf5 else { throw ReaderFailure.nonsense }
    let name = try message.text()
    switch request {
    case .exists: answer.put(hdf5.exists(name) ? 1 : 0)
    case .children: answer.put(try hdf5.children(of: name))
    case .isGroup: answer.put(try hdf5.isGroup(name) ? 1 : 0)
    case .text: answer.put(try hdf5.readString(name))
    default:
      let dataset = try HDF5Dataset(name, of: hdf5)
      let handle = newHandle()
      datasets[handle] = dataset
      answer.put(handle)
      answer.put(dataset.shape)
    }
    return answer
  }

  private func sendValues(_ message: inout ReaderMessage) throws {
    guard let dataset = datasets[try message.number()],
      let type = HDF5NumberType(rawValue: try message.number())
    else { throw ReaderFailure.nonsense }
    let (first, end) = (try message.number(), try message.number())
    // A block of a compressed dataset is unpacked in whole.
    ReaderLimits.allowMemory(for: dataset.count * type.size)
    switch type {
    case .float: try send(first..<end, of: dataset, as: Float.self)
    case .double: try send(first..<end, of: dataset, as: Double.self)
    case .int32: try send(first..<end, of: dataset, as: Int32.self)
    case .int64: try send(first..<end, of: dataset, as: Int64.self)
    }
  }

  /// Sends rows; of a scalar, its one value.
  private func send<Number: HDF5Number>(
    _ rows: Range<Int>, of dataset: HDF5Dataset, as type: Number.Type
  ) throws {
    let rowBytes = max(1, dataset.rowCount * MemoryLayout<Number>.stride)
    let isWhole = dataset.shape.isEmpty || rows.count == dataset.shape[0]
    let step = dataset.isContiguous ? max(1, Self.partBytes / rowBytes) : max(1, rows.count)
    var values = [Number](
      repeating: .zero, count: min(step, max(1, rows.count)) * dataset.rowCount)
    for first in stride(from: rows.lowerBound, to: rows.upperBound, by: step) {
      let part = first..<min(first + step, rows.upperBound)
      let count = part.count * dataset.rowCount
      try values.withUnsafeMutableBufferPointer {
        let buffer = UnsafeMutableBufferPointer(rebasing: $0[..<count])
        if isWhole && part == rows {
          try dataset.read(into: buffer)
        } else {
          try dataset.read(
            rows: part, into: buffer, toldAs: isWhole ? "the values" : "rows \(rows)")
        }
        try channel.send(ReaderReply.values.rawValue, UnsafeRawBufferPointer(buffer))
      }
    }
  }
}
