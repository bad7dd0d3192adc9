import CaffeCore
import CaffeData
import CaffeErrors
import CaffeNet
import CaffeSchema
import CaffeSolver

/// The parts that tell of the net and what it has learnt.
extension RunReport {
  func filters() throws -> HTML {
    let path = try weights()
    let sheet = try withPlace(path) { try FilterSheet(Weights(contentsOf: path)) }
    let text = "Filters of layer \(sheet.layer)"
    return """
      <p class="note">\(sheet.tileCount) of layer \(sheet.layer), from \(path); the least weight is black, the largest white.</p>
      \(try HTML.image(sheet.image, text: text, style: "filters"))
      """
  }

  /// A drawing for each parameter and its gradient.
  func histograms() throws -> HTML {
    guard let folder else {
      throw CaffeError("a log does not tell weights and gradients; train --run keeps them")
    }
    let records = try HistogramLog.read(folder.histograms)
    guard let first = records.first else { throw CaffeError("no iteration has been made yet") }
    let rows = first.parameters.map { parameter -> HTML in
      let name = parameter.name
      let weights = Self.hills(records, of: name, \.weights)
      let gradients = Self.hills(records, of: name) { $0.gradients }
      let drawings = [("weights", weights), ("gradients", gradients)].filter { !$0.1.isEmpty }
        .map { kind, hills in
          HTML(
            svg: HistogramPlot("\(name) \(kind)", hills).svg,
            label: "Spread of the \(kind) of \(name), by iteration")
        }
      return "<div class=\"pair\">\(drawings)</div>"
    }
    return """
      <p class="note">How many values are where, at iterations from \(first.iteration) (behind) to \(records[records.count - 1].iteration) (in front); each hill by its own highest bucket.</p>
      <div class="grid">\(rows)</div>
      """
  }

  private static func hills(
    _ records: [HistogramRecord], of name: String,
    _ spread: (HistogramRecord.Parameter) -> HistogramRecord.Spread?
  ) -> [(iteration: Int, spread: HistogramRecord.Spread)] {
    records.compactMap { record in
      record.parameters.first { $0.name == name }.flatMap(spread)
        .map { (iteration: record.iteration, spread: $0) }
    }
  }

  func graph() throws -> HTML {
    let nets = try SolverNets(solver(), folder: workingFolder)
    let plan = try NetPlan(
      looking: nets.train, given: GivenShapes(),
      context: LayerContext(phase: .train, folder: workingFolder))
    let table = HTML.details(
      "Layers, shapes, parameters",
      "<pre>\(try NetSummary(plan).lines.joined(separator: "\n"))</pre>")
    let drawing: HTML
    do {
      drawing = """
        <div class="paper" tabindex="0" role="region" aria-label="Graph of the net">\(HTML(svg: try NetDrawing(plan).svg(), label: "The layers of \(nets.train.name) and the blobs between them"))</div>
        """
    } catch {
      drawing = "<p class=\"missing\">Not here: \("\(error)").</p>"
    }
    return "\(drawing)\n\(table)"
  }

  func solverSettings() throws -> HTML {
    let solver = try solver()
    let nets = try SolverNets(solver, folder: workingFolder)
    return """
      <pre>\(solver.withoutNets().text())</pre>
      \(HTML.details("The training net's prototxt", "<pre>\(nets.train.text())</pre>"))
      """
  }
}
