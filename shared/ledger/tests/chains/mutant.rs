//! Mistakes that are planted to see that the simulation finds them.

macro_rules! mutants {
    ($($(#[$doc:meta])+ $variant:ident,)+) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Mutant { $($(#[$doc])+ $variant,)+ }

        impl Mutant {
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];
        }
    };
}

mutants! {
    /// A page is written if its mark is below the batch's last record.
    ComparesWithLastRecord,
    /// Records that the page contains are not dropped.
    KeepsContainedRecords,
    /// A closed page is appended to.
    AppendsToClosed,
    /// A new page replaces one that exists.
    CreateOverwrites,
    /// The tail of a chain is remembered for ever.
    RemembersTailForEver,
    /// The mark of a closed page is not carried over to the next.
    ForgetsMarkOfClosed,
    /// The last page of a chain expires before its records can no longer be delivered.
    ExpiresEarly,
    /// The same, and old records start a chain.
    ExpiresEarlyAndTakesOldRecords,
    /// Deltas are stored by position instead of appended.
    WritesByPosition,
    /// A batch is acknowledged although a write failed.
    AcknowledgesFailure,
    /// Of several failed chains, the last record is reported instead of the first.
    ReportsLastFailure,
    /// Of a failed batch, the records that are in the main chain are not reported.
    ReportsMainChainOnly,
    /// After a lost answer the write is repeated without its condition.
    RepeatsWithoutCondition,
    /// The date of arrival is not part of the chain.
    ChainsNeverEnd,
    /// The first page of a chain is numbered by the clock.
    NumbersByClock,
    /// Late records of new chains are dropped.
    DropsLateRecords,
    /// The tail is read eventually consistent. Its condition refuses a write to an old tail, so nothing goes wrong.
    ReadsTailEventually,
    /// Each batch decides by itself where agents' rows go.
    SplitsByBatch,
    /// A new page forgets that the chain is split.
    ForgetsSplit,
    /// A chain that splits writes all of its batch's predecessors' agents' rows again.
    SplitsFromStart,
    /// An open page is covered.
    CoversOpen,
    /// A page is closed whatever was appended since it was read.
    ClosesBlindly,
    /// A page is covered whose deltas were not merged.
    CoversUnmerged,
    /// A cover forgets chains that still have pages.
    ForgetsCover,
    /// A pack is written whatever its version.
    PutsWithoutVersion,
    /// Only one kind of packs has to cover a page before it is deleted.
    DeletesForOneKind,
    /// Pages are deleted as soon as packs cover them.
    DeletesAtOnce,
    /// The last page of a chain is deleted.
    DeletesTail,
    /// A page without its deltas looks like one that never had any.
    EmptiesSilently,
    /// A longer pack claims a day without its cover.
    ClaimsWithoutCover,
    /// A longer pack claims a day by a pack that was read long ago.
    ClaimsOldPack,
    /// A day is subtracted although the covers differ.
    SubtractsUnequal,
    /// A day is subtracted although it was repaired since it was claimed.
    SubtractsRepaired,
    /// A chunk is split before its other half is written.
    SplitsLowerFirst,
    /// All chunks from one key on have one id.
    ReusesChunkId,
    /// The id of a chunk tells the version that it was split off from, and not the attempt.
    NamesChunkByVersion,
    /// A reader adds all pages, whatever the packs cover.
    ReaderIgnoresCover,
    /// A reader uses the cover of another kind of pack.
    ReaderMixesCovers,
    /// A reader does not mind gaps.
    ReaderIgnoresGaps,
    /// A reader adds a day's own pack to a longer one that claims the day.
    ReaderAddsDayTwice,
    /// A reader takes left-over chunks for parts of the pack.
    ReaderTakesLeftOvers,
    /// A day is repaired while its events are on their way.
    RepairsUnsettled,
    /// A repair is written whatever the pack's version.
    RepairsWithoutVersion,
}

impl Mutant {
    /// Whether it changes nothing that anyone could notice.
    pub const fn is_equivalent(self) -> bool {
        matches!(self, Self::ReadsTailEventually)
    }
}
