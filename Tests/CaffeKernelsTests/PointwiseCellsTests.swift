import CaffeKernels
import CaffeKernelsC
import CaffeTestSupport
import Testing

/// What surrounds a convolution of single cells that runs as a product of bfloat16 matrices.
struct PointwiseCellsTests {
  /// Items, height, width, channels, steps.
  static let cases = [
    ck_cells(items: 2, height: 5, width: 7, channels: 3, step_y: 2, step_x: 3),
    ck_cells(items: 1, height: 4, width: 4, channels: 65, step_y: 1, step_x: 2),
    ck_cells(items: 3, height: 1, width: 9, channels: 16, step_y: 4, step_x: 1),
    ck_cells(items: 40, height: 16, width: 16, channels: 24, step_y: 2, step_x: 2),
  ]

  /// Where each value of the rows lies in the whole.
  private func places(_ c: ck_cells) -> [Int] {
    (0..<c.items).flatMap { item in
      stride(from: 0, to: c.height, by: c.step_y).flatMap { y in
        stride(from: 0, to: c.width, by: c.step_x).flatMap { x in
          (0..<c.channels).map { ((item * c.height + y) * c.width + x) * c.channels + $0 }
        }
      }
    }
  }

  @Test(arguments: cases.indices) func rowsComeFromCellsAndGoBackToThem(_ index: Int) {
    var cells = Self.cases[index]
    var numbers = Numbers(seed: 5)
    let whole = numbers.array(cells.items * cells.height * cells.width * cells.channels)
    let places = places(cells)
    let rows = numbers.array(places.count)
    var spread = [Float](repeating: 0, count: whole.count)
    for (row, place) in zip(rows, places) { spread[place] = row }
    Machine.each { machine in
      var rounded = [UInt16](repeating: 1, count: places.count)
      ck_round_cells(&cells, whole, false, &rounded)
      #expect(
        rounded.map(bfloat16Value)
          == places.map { bfloat16(whole[$0]) }, "\(machine)")
      var found = [Float](repeating: .nan, count: whole.count)
      ck_spread_cells(&cells, rows, false, &found)
      #expect(found == spread, "\(machine)")
      // Of values that are rounded already.
      var again = [UInt16](repeating: 1, count: places.count)
      ck_round_cells(&cells, whole.map(bfloat16).map(bfloat16Bits), true, &again)
      #expect(again == rounded, "\(machine)")
      var foundRounded = [UInt16](repeating: 1, count: whole.count)
      ck_spread_cells(&cells, rounded, true, &foundRounded)
      var spreadRounded = [UInt16](repeating: 0, count: whole.count)
      for (row, place) in zip(rounded, places) { spreadRounded[place] = row }
      #expect(foundRounded == spreadRounded, "\(machine)")
    }
  }

  @Test(arguments: [(1, 1), (37, 5), (16, 64), (1000, 130)])
  func columnsAreAddedToTheirSums(_ size: (rows: Int, columns: Int)) {
    var numbers = Numbers(seed: 6)
    let values = numbers.array(size.rows * size.columns).map(bfloat16)
    var sums = [Double](repeating: 3, count: size.columns)
    for (index, value) in values.enumerated() { sums[index % size.columns] += Double(value) }
    Machine.each { machine in
      var found = [Float](repeating: 3, count: size.columns)
      ck_add_bfloat16_rows(
        values.map(bfloat16Bits), size.rows, size.columns, &found)
      #expect(worstDifference(found, sums) < 1e-5, "\(machine)")
    }
  }
}
