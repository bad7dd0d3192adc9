import CaffeErrors

/// The parts that a log tells.
extension RunReport {
  func overview() throws -> HTML {
    let progress = try RunProgress(records())
    let start = progress.start
    var facts = [("net", start.net), ("solver", start.type), ("iteration", progress.iterations)]
    if let loss = progress.loss { facts.append(("training loss", Text.number(loss))) }
    facts += progress.tests.map { ($0.name, Text.number($0.value)) }
    if start.batch > 0 { facts.append(("batch", Quantity.grouped(start.batch))) }
    facts.append(("seed", "\(start.seed)"))
    return .facts(facts.map { (name: $0.0, value: $0.1) })
  }

  /// A row of the table of runs.
  ///
  /// - Parameter address: where the run's page is.
  package func row(address: String) -> [HTML] {
    let link: HTML = "<a href=\"\(address)\">\(name)</a>"
    do {
      let progress = try RunProgress(records())
      let tests = progress.tests.map { "\($0.name) \(Text.number($0.value))" }
      return [
        link, "\(progress.start.net)", "\(progress.iterations)",
        "\(progress.loss.map(Text.number) ?? "–")", "\(tests.joined(separator: ", "))",
      ]
    } catch {
      return [link, "", "", "", "\("\(error)")"]
    }
  }

  /// Runs, a row each.
  package static func list(_ rows: [[HTML]]) -> HTML {
    guard !rows.isEmpty else {
      return "<p class=\"missing\">There is no run yet; caffe-swift train --run makes one.</p>"
    }
    return .table(
      "The newest first",
      [.text("Run"), .text("Net"), .number("Iteration"), .number("Loss"), .text("Last test")], rows)
  }

  /// A drawing for each output, and one for the learning rate.
  func curves() throws -> HTML {
    var history = try history()
    for index in history.train.indices {
      guard let rate = history.train[index].learningRate else { continue }
      history.train[index].outputs.append((name: "learning rate", value: rate))
    }
    return """
      <p class="note">Thin lines are training, lines with dots are tests.</p>
      \(try Self.panels(history))
      """
  }

  private static func panels(_ history: RunHistory) throws -> HTML {
    let drawings = try CurvePlot([CurvePlot.Run(name: "", history: history)]).panelDrawings
    let panels = drawings.map { HTML(svg: $0.svg, label: "Curve of \($0.title) by iteration") }
    return "<div class=\"grid\">\(panels)</div>"
  }

  /// How fast the run goes, and on what.
  func machine() throws -> HTML {
    let speed: HTML
    do {
      speed = try self.speed()
    } catch {
      speed = "<p class=\"missing\">Not here: \("\(error)").</p>"
    }
    return "\(speed)\n\(try machineFacts())"
  }

  private func speed() throws -> HTML {
    let records = try records().compactMap { record in
      if case .train(let train) = record { train } else { nil }
    }
    guard let last = records.last else { throw CaffeError("no iteration has been logged yet") }
    let rates = records.compactMap(\.imagesPerSecond).sorted()
    var facts = [("time", Self.duration(last.seconds))]
    if !rates.isEmpty {
      facts.append(("images a second, median", Text.number(rates[rates.count / 2].rounded())))
    }
    let waits = records.compactMap(\.dataWait)
    if let most = waits.max() {
      let mean = waits.reduce(0, +) / Double(waits.count)
      facts.append(("waiting for data", "\(Self.percent(mean)), at most \(Self.percent(most))"))
    }
    facts.append(("most memory", Quantity.bytes(last.peakMb << 20)))
    var history = RunHistory()
    history.train = records.compactMap { record in
      record.imagesPerSecond.map {
        RunHistory.Row(
          iteration: record.iteration, seconds: record.seconds, learningRate: nil,
          outputs: [(name: "images a second", value: $0)])
      }
    }
    let list = HTML.facts(facts.map { (name: $0.0, value: $0.1) })
    return history.train.isEmpty ? list : "\(list)\n\(try Self.panels(history))"
  }

  private func machineFacts() throws -> HTML {
    let machine = try machineRecord()
    let facts = HTML.facts([
      ("processor", machine.processor), ("processors", "\(machine.processors)"),
      ("threads", "\(machine.threads)"), ("instruction set", machine.instructionSet),
      ("memory", Quantity.bytes(machine.memoryMb << 20)), ("system", machine.system),
      ("host", machine.host), ("program", machine.program), ("started", machine.started),
    ])
    return """
      \(facts)
      <p class="note">Command</p><pre>\(machine.arguments.joined(separator: " "))</pre>
      """
  }

  /// `84.8 %`, which does not break at the end of a line.
  static func percent(_ share: Double) -> String {
    let tenths = Int((share * 1000).rounded())
    return "\(tenths / 10).\(tenths % 10)\u{A0}%"
  }

  /// `1 h 02 min`, `3 min 07 s`, `12.5 s`.
  private static func duration(_ seconds: Double) -> String {
    func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
    guard seconds >= 60 else { return "\(Text.number((seconds * 10).rounded() / 10)) s" }
    let whole = Int(seconds)
    return whole < 3600
      ? "\(whole / 60) min \(two(whole % 60)) s" : "\(whole / 3600) h \(two(whole / 60 % 60)) min"
  }
}
